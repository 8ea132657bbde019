import Foundation
import Testing

extension EndToEnd {
    /// `attune chaos` itself, small: everything of it is its own, servers included.
    @Suite(.timeLimit(.minutes(4))) struct ChaosTests {
        private struct Report: Decodable {
            var figures: [String: Double]
        }

        private func run(_ arguments: String...) async throws -> (ending: AttuneProcess.Ending, output: String) {
            let folder = FileManager.default.temporaryDirectory.appending(path: "attune-chaos-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let process = try AttuneProcess(["chaos"] + arguments, environment: [:], folder: folder)
            let ending = try await process.ending(within: 200)
            return (ending, try process.output())
        }

        private func figures(_ output: String) throws -> [String: Double] {
            let start = try #require(output.firstIndex(of: "{"), "\(output.suffix(2000))")
            return try JSONDecoder().decode(Report.self, from: Data(output[start...].utf8)).figures
        }

        @Test("a short run of faults of every kind: nothing lost, twice, stale or missing")
        func short() async throws {
            let (ending, output) = try await run("--jobs", "2000", "--faults", "34", "--seed", "11", "--json")
            #expect(ending == .exit(0), "\(output.suffix(3000))")
            let figures = try figures(output)
            #expect(figures["chaos.violations"] == 0, "\(output.suffix(3000))")
            #expect(try #require(figures["chaos.jobs"]) >= 2000)
        }

        @Test("without fence and compare-and-set the checker sees what they prevent")
        func unguarded() async throws {
            let (ending, output) = try await run("--jobs", "3000", "--faults", "40", "--unguarded", "--json")
            #expect(ending == .exit(0), "\(output.suffix(3000))")
            let figures = try figures(output)
            #expect(try #require(figures["chaos.violations"]) >= 1)
            // Work that never ends would be a violation too, but not the one that these guards prevent.
            #expect(try #require(figures["chaos.double_effects"]) + #require(figures["chaos.stale_pointers"]) >= 1)
        }
    }
}
