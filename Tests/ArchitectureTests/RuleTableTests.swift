import Foundation
import Testing

@Suite struct RuleTableTests {
    @Test("every rule of the queue names tests, and every test it names is there")
    func rulesHaveTests() throws {
        let page = SourceTree.root.appending(path: "Sources/Queue/Queue.docc/TheRules.md")
        let rows = try String(contentsOf: page, encoding: .utf8).matches(of: /(?m)^\| (\d+) \| (.+) \| (.+) \|$/)
        #expect(rows.compactMap { Int($0.1) } == Array(1...26))
        let sources = try SourceTree.files(below: "Tests", extensions: ["swift"]).map(\.text).joined()
        for row in rows {
            let names = row.3.matches(of: /`([^`]+)`/).map { String($0.1) }
            #expect(!names.isEmpty, "rule \(row.1) names no test")
            for name in names { #expect(sources.contains("\"\(name)"), "rule \(row.1): no test \"\(name)\"") }
        }
    }
}
