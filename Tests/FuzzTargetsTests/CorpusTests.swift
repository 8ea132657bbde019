import Foundation
import FuzzTargets
import Problem
import Testing

/// The corpus is run as the fuzzer runs it, in every build.
///
/// A file called `OUTCOME.what` was made by hand: it is `read`, or refused with the class OUTCOME. The others are the fuzzer's.
@Suite struct CorpusTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fuzz/Corpus")

    @Test("every input is read or refused as its name says, some of each kind", arguments: FuzzTarget.all.map(\.name))
    func corpus(name: String) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        let folder = Self.folder.appending(path: name).path
        var outcomes: Set<String> = []
        for file in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() {
            let bytes = Array(try Data(contentsOf: URL(filePath: "\(folder)/\(file)")))
            let problem = target.problem(with: bytes)
            let outcome = problem?.errorClass ?? "read"
            if let named = file.wholeMatch(of: /([a-z_0-9]+)\..+/) {
                #expect(named.1 == outcome, "\(name)/\(file): \(problem?.reason ?? "no problem")")
            }
            outcomes.insert(outcome)
        }
        #expect(outcomes.contains("read") && outcomes.count > 1, "\(name): \(outcomes)")
    }

    @Test("every folder of the corpus is a target's")
    func folders() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
        #expect(Set(folders) == Set(FuzzTarget.all.map(\.name)))
    }
}
