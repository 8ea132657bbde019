import Adapters
import Foundation
import Model
import Postgres
import PostgresTestSupport
import Safetensors
import Tensor
import Testing

extension EndToEnd {
    /// An adapter as others read it.
    @Suite(.needsPostgres, .needsS3, .needsPython, .timeLimit(.minutes(2))) struct InterchangeTests {
        private struct Line: Decodable {
            var text: String
            var base: Double
            var adapted: Double
        }

        private struct Scores: Decodable {
            var with_adapter: [Double]
        }

        @Test(
            "NumPy, given a pulled adapter and the base's features, gets what `attune predict` says, to 1e-5, and so does an exported head",
            arguments: [false, true])
        func pulledAdapter(hasBasis: Bool) async throws {
            try await Site.with(users: 20) { site in
                if hasBasis { try await site.activate(try site.recipeWithBasis()) }
                try await site.enqueue()
                let worker = try site.worker("one", "--until-idle")
                try await worker.succeeds()
                let user: String = try await site.ask(
                    "SELECT user_id FROM attune.users WHERE revision IS NOT NULL ORDER BY uid LIMIT 1"
                ).one().decode(0)
                let texts = ["a quiet novel about the sea", "Ein Rezept für Brot", "fast cars", "雨の日の散歩", "tax law"]

                let file = site.folder.appending(path: "adapter.safetensors").path
                _ = try await site.run("adapter", "pull", Site.tenant, user, "--out", file)
                let said = try await site.run(["predict", Site.tenant, user, "--json"] + texts)
                let lines = try said.split(separator: "\n").filter { $0.hasPrefix("{") }.map {
                    try JSONDecoder().decode(Line.self, from: Data($0.utf8))
                }
                #expect(lines.map(\.text) == texts)

                let encoder = try TextEncoder(BaseFolder.open(try #require(TestSettings.base)))
                let pooled = try encoder.pooled(texts)
                var writer = SafetensorsWriter()
                writer.add(
                    "features", shape: [pooled.rows, pooled.columns],
                    floats: (0..<pooled.rows).flatMap { Array(pooled.row($0)) })
                let features = site.folder.appending(path: "features.safetensors")
                try Data(writer.encoded()).write(to: features)
                let theirs = try JSONDecoder().decode(Scores.self, from: numpyScores(file, features.path)).with_adapter
                #expect(theirs.count == texts.count)
                for (line, theirs) in zip(lines, theirs) {
                    #expect(abs(line.adapted - theirs) < 1e-5, "\(line.text): \(line.adapted) against \(theirs)")
                    #expect(abs(line.adapted - line.base) > 1e-4, "\(line.text): the adapter changes the score")
                }

                let model = site.folder.appending(path: "model").path
                let format = ["--format", "sentence-transformers", "--out", model]
                _ = try await site.run(["adapter", "export", Site.tenant, user] + format)
                let dense = try SafetensorsFile(path: "\(model)/3_Dense/model.safetensors")
                let head = LinearHead(
                    weights: try dense.floats(of: "linear.weight", shape: [1, pooled.columns]),
                    bias: try dense.floats(of: "linear.bias", shape: [1])[0])
                for (line, logit) in zip(lines, head.logits(of: pooled)) {
                    #expect(abs(line.adapted - 1 / (1 + exp(-Double(logit)))) < 1e-5, "\(line.text)")
                }
                #expect(dense.metadata["attune.user"] == "\(Site.tenant)/\(user)")
                #expect(try BaseFolder.open(model).digest == encoder.digest)
                _ = try await Ledger(of: site)
                // A pack of twenty users, one coefficient a direction or two thirds of 384 rows.
                let bytes: Double = try await site.ask(
                    "SELECT (sum(byte_count) / 20.0)::float8 FROM attune.object WHERE state = 0"
                ).one().decode(0)
                #expect(hasBasis ? bytes < 60 : bytes > 200, "\(bytes) bytes a user")
            }
        }

        /// What the script that stands beside the golden files prints; it knows `safetensors` and NumPy alone.
        private func numpyScores(_ adapter: String, _ features: String) throws -> Data {
            let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            let process = Process()
            process.executableURL = URL(filePath: try #require(TestSettings.python))
            process.arguments = [
                tests.appending(path: "ServingTests/Fixtures/score_adapter.py").path, adapter, features,
            ]
            let pipe = Pipe()
            process.standardOutput = pipe
            try process.run()
            let data = try #require(try pipe.fileHandleForReading.readToEnd())
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
            return data
        }
    }
}
