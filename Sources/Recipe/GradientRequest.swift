package import Meta
import Problem
import Safetensors
package import Tensor

/// The payload of a job that asks for the gradient of one shard: the episodes themselves, and by digest the two objects that
/// they are to be taken with.
///
/// A safetensors file: for `support` and `query` each `rows` I32 (numbers of texts), `labels` U8 and `counts` I32 (examples a
/// user); metadata `format` (`attune-gradient-request`), `version` (a reader refuses one greater than 1), `run`, `fold`,
/// `step`, `shard`, `features`, `parameters` (hex SHA-256), and the bits of `scale` and `ranking_share`.
package struct GradientRequest: Sendable, Equatable {
    private static let format = "attune-gradient-request"

    /// The meta-training.
    package var run: Int64
    package var fold: Int
    /// Number of the outer step, from 1.
    package var step: Int
    /// Number of the shard, from 0.
    package var shard: Int
    /// SHA-256 of the features' file.
    package var features: String
    /// SHA-256 of the parameters' file.
    package var parameters: String
    package var featureScale: Float
    package var rankingShare: Float
    package var episodes: [Episode]

    /// Asks for one shard of a step.
    package init(_ step: OuterStep, shard: Int, run: Int64, features: String, parameters: String) {
        (self.run, fold, self.step, self.shard) = (run, step.fold, step.number, shard)
        (self.features, self.parameters) = (features, parameters)
        (featureScale, rankingShare) = (step.featureScale, step.objective.rankingShare)
        episodes = step.shards[shard]
    }

    /// The gradient that is asked for.
    ///
    /// - Throws: `gradient_file_malformed` where the episodes name texts that the features do not have, or the parameters are
    ///   for features of another width.
    package func gradient(_ parameters: MetaParameters, features: Matrix, at location: String) throws -> MetaParameters
    {
        guard parameters.width == features.columns else {
            throw GradientFiles.malformed(
                location, "parameters for \(parameters.width) features, there are \(features.columns).")
        }
        let rows = episodes.lazy.flatMap { $0.support.rows + $0.query.rows }
        guard rows.allSatisfy({ $0 >= 0 && Int($0) < features.rows }) else {
            throw GradientFiles.malformed(location, "it names a text outside 0..<\(features.rows).")
        }
        let step = OuterStep(
            fold: fold, number: step, parameters: parameters, shards: [episodes], featureScale: featureScale,
            objective: OuterObjective(rankingShare: rankingShare))
        return step.gradient(ofShard: 0, features: features)
    }

    /// The payload.
    package func encode() -> [UInt8] {
        var writer = SafetensorsWriter(metadata: [
            "format": Self.format, "version": "1", "run": "\(run)", "fold": "\(fold)", "step": "\(step)",
            "shard": "\(shard)", "features": features, "parameters": parameters,
            "scale": "\(featureScale.bitPattern)", "ranking_share": "\(rankingShare.bitPattern)",
        ])
        for (name, sets) in [("support", episodes.map(\.support)), ("query", episodes.map(\.query))] {
            let count = sets.reduce(0) { $0 + $1.count }
            writer.add("\(name).rows", shape: [count], int32s: sets.flatMap(\.rows))
            writer.add("\(name).labels", shape: [count], uint8s: sets.flatMap { $0.labels.map { $0 > 0.5 ? 1 : 0 } })
            writer.add("\(name).counts", shape: [sets.count], int32s: sets.map { Int32($0.count) })
        }
        return writer.encoded()
    }

    /// Reads and checks a payload.
    ///
    /// - Throws: `gradient_request_newer`, `gradient_file_malformed`, or what the safetensors reader refuses.
    package init(decoding bytes: [UInt8], at location: String) throws {
        let file = try GradientFiles.open(bytes, Self.format, location)
        guard file.metadata["version"] == "1" else {
            throw Problem(
                "gradient_request_newer", at: location,
                "it has version \(Problem.excerpt(file.metadata["version"] ?? "none")), this attune reads 1.",
                do: "start workers of the version that trains.")
        }
        func number<Number: FixedWidthInteger>(_ name: String, in range: ClosedRange<Number>) throws -> Number {
            guard let number = file.metadata[name].flatMap({ Number($0) }), range.contains(number) else {
                throw GradientFiles.malformed(location, "its \(name) is no number in \(range).")
            }
            return number
        }
        func digest(_ name: String) throws -> String {
            guard let digest = file.metadata[name], digest.wholeMatch(of: /[0-9a-f]{64}/) != nil else {
                throw GradientFiles.malformed(location, "its \(name) are no SHA-256.")
            }
            return digest
        }
        run = try number("run", in: 0...Int64.max)
        fold = try number("fold", in: 0...1000)
        step = try number("step", in: 0...Int.max)
        shard = try number("shard", in: 0...1000)
        (features, parameters) = (try digest("features"), try digest("parameters"))
        featureScale = Float(bitPattern: try number("scale", in: 0...UInt32.max))
        rankingShare = Float(bitPattern: try number("ranking_share", in: 0...UInt32.max))
        guard featureScale.isFinite, (0...1).contains(rankingShare) else {
            throw GradientFiles.malformed(location, "a scale of \(featureScale), a ranking share of \(rankingShare).")
        }
        let supports = try Self.sets("support", in: file)
        let queries = try Self.sets("query", in: file)
        guard supports.count == queries.count, !supports.isEmpty else {
            throw GradientFiles.malformed(location, "\(supports.count) supports and \(queries.count) queries.")
        }
        episodes = zip(supports, queries).map { Episode(support: $0, query: $1) }
    }

    private static func sets(_ name: String, in file: SafetensorsFile) throws -> [UserSupport] {
        let rows = try file.int32s(of: "\(name).rows")
        let labels = try file.uint8s(of: "\(name).labels", shape: [rows.count])
        let counts = try file.int32s(of: "\(name).counts")
        guard labels.allSatisfy({ $0 <= 1 }), counts.allSatisfy({ $0 > 0 && Int($0) <= rows.count }),
            counts.reduce(0, { $0 + Int($1) }) == rows.count
        else { throw GradientFiles.malformed(file.name, "its \(name) sets do not fit together.") }
        var first = 0
        return counts.map { count in
            defer { first += Int(count) }
            let own = first..<first + Int(count)
            return UserSupport(rows: Array(rows[own]), labels: labels[own].map { Float($0) })
        }
    }
}
