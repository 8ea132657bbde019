import Adapters
import Meta
import Problem
import Recipe
import Safetensors
import Tensor
import Testing

@Suite struct GradientFilesTests {
    private func request(rows: [Int32] = [0, 1, 2, 3]) -> GradientRequest {
        let episodes = [
            Episode(
                support: UserSupport(rows: Array(rows[0..<2]), labels: [1, 0]),
                query: UserSupport(rows: Array(rows[2..<4]), labels: [0, 1])),
            Episode(support: UserSupport(rows: [1], labels: [1]), query: UserSupport(rows: [0], labels: [0])),
        ]
        let step = OuterStep(
            fold: 2, number: 9, parameters: MetaParameters(width: 3, steps: 1, isIsotropic: false),
            shards: [[], episodes],
            featureScale: 4, objective: OuterObjective(rankingShare: 0.3))
        return GradientRequest(
            step, shard: 1, run: 5, features: String(repeating: "a", count: 64),
            parameters: String(repeating: "b", count: 64))
    }

    private func refusal(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return (error as? any ProblemConvertible)?.problem.errorClass ?? "\(error)"
        }
    }

    @Test("features, parameters and requests come back bit for bit")
    func roundTrips() throws {
        var random = RandomSource(seed: 1)
        let features = Matrix(rows: 5, columns: 3, values: (0..<15).map { _ in Float(random.normal()) })
        #expect(try GradientFiles.features(decoding: GradientFiles.encode(features: features), at: "f") == features)
        var parameters = MetaParameters(width: 3, steps: 2, isIsotropic: false)
        for index in parameters.values.indices { parameters.values[index] = Float(random.normal()) }
        parameters.values[1] = -0.0
        let read = try GradientFiles.parameters(decoding: GradientFiles.encode(parameters), at: "p")
        #expect(read.values.map(\.bitPattern) == parameters.values.map(\.bitPattern) && read == parameters)
        let asked = request()
        #expect(try GradientRequest(decoding: asked.encode(), at: "r") == asked)
    }

    @Test("the largest shard's payload is far below what a job may carry")
    func payloadSize() {
        let sets = UserSupport(rows: [Int32](repeating: .max, count: 32), labels: [Float](repeating: 1, count: 32))
        let step = OuterStep(
            fold: 5, number: 500, parameters: MetaParameters(width: 384, steps: 1, isIsotropic: false),
            shards: [[Episode](repeating: Episode(support: sets, query: sets), count: 64)], featureScale: 4,
            objective: OuterObjective(rankingShare: 0.5))
        let digest = String(repeating: "f", count: 64)
        #expect(GradientRequest(step, shard: 0, run: .max, features: digest, parameters: digest).encode().count < 32768)
    }

    @Test("a file of another kind, a newer request and sets that do not fit are refused")
    func refuses() throws {
        let parameters = GradientFiles.encode(MetaParameters(width: 3, steps: 1, isIsotropic: false))
        #expect(refusal { _ = try GradientFiles.features(decoding: parameters, at: "f") } == "gradient_file_malformed")
        #expect(refusal { _ = try GradientRequest(decoding: parameters, at: "r") } == "gradient_file_malformed")
        #expect(refusal { _ = try GradientRequest(decoding: [], at: "r") } == "file_truncated")
        for width in ["0", "16385", "x"] {
            let stated = ["format": "attune-meta-parameters", "width": width, "steps": "1", "isotropic": "true"]
            var writer = SafetensorsWriter(metadata: stated)
            writer.add("values", shape: [1], floats: [1])
            let bytes = writer.encoded()
            #expect(refusal { _ = try GradientFiles.parameters(decoding: bytes, at: "p") } == "gradient_file_malformed")
        }
        func written(_ changes: [String: String], counts: [Int32] = [2], labels: [UInt8] = [0, 1]) -> [UInt8] {
            var metadata = [
                "format": "attune-gradient-request", "version": "1", "run": "1", "fold": "0", "step": "1", "shard": "0",
                "features": String(repeating: "a", count: 64), "parameters": String(repeating: "b", count: 64),
                "scale": "\(Float(4).bitPattern)", "ranking_share": "0",
            ]
            metadata.merge(changes) { _, new in new }
            var writer = SafetensorsWriter(metadata: metadata)
            for name in ["support", "query"] {
                writer.add("\(name).rows", shape: [2], int32s: [0, 1])
                writer.add("\(name).labels", shape: [labels.count], uint8s: labels)
                writer.add("\(name).counts", shape: [counts.count], int32s: counts)
            }
            return writer.encoded()
        }
        func requestRefusal(_ bytes: [UInt8]) -> String? {
            refusal { _ = try GradientRequest(decoding: bytes, at: "r") }
        }
        #expect(requestRefusal(written([:])) == nil)
        #expect(requestRefusal(written(["version": "2"])) == "gradient_request_newer")
        for changes in [
            ["run": "-1"], ["features": "../secret"], ["parameters": ""], ["scale": "\(Float.nan.bitPattern)"],
            ["ranking_share": "\(Float(1.5).bitPattern)"],
        ] { #expect(requestRefusal(written(changes)) == "gradient_file_malformed", "\(changes)") }
        #expect(requestRefusal(written([:], counts: [1])) == "gradient_file_malformed")
        #expect(requestRefusal(written([:], counts: [3, -1])) == "gradient_file_malformed")
        #expect(requestRefusal(written([:], labels: [0, 2])) == "gradient_file_malformed")
        #expect(requestRefusal(written([:], labels: [0])) == "tensor_shape")
    }

    @Test(
        "episodes that name texts which are not there, or parameters of another width, are refused before they are used"
    )
    func refusesRows() {
        let features = Matrix(rows: 4, columns: 3)
        let parameters = MetaParameters(width: 3, steps: 1, isIsotropic: false)
        #expect(refusal { _ = try request().gradient(parameters, features: features, at: "j") } == nil)
        for rows: [Int32] in [[0, 1, 2, 4], [-1, 1, 2, 3]] {
            #expect(
                refusal { _ = try request(rows: rows).gradient(parameters, features: features, at: "j") }
                    == "gradient_file_malformed")
        }
        let narrow = Matrix(rows: 4, columns: 2)
        #expect(
            refusal { _ = try request().gradient(parameters, features: narrow, at: "j") } == "gradient_file_malformed")
    }
}
