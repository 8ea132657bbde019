import Foundation
import Testing

@Suite struct LayoutTests {
    /// Modules that come with the toolchain or from `dependencies`; a row names those in its third column.
    static let outside: Set<String> = [
        "Foundation", "FoundationEssentials", "Synchronization", "Dispatch", "Glibc", "Logging", "Crypto",
        "ArgumentParser", "UnixSignals", "AsyncAlgorithms", "HeapModule",
    ]

    @Test("the manifest's layout table is found and names every library under Sources")
    func tableIsComplete() throws {
        let named = Set(try SourceTree.layout().map(\.name))
        let folders = try FileManager.default.contentsOfDirectory(
            atPath: SourceTree.root.appending(path: "Sources").path)
        let others: Set<String> = [
            "CPostgres", "COpenBLAS", "COneDNN", "CVectors", "CProcessor", "CZstd", "CCurl", "EmbedSQL",
            "EmbedSQLPlugin", "CLI",
        ]
        #expect(named.count > 10)
        #expect(Set(folders).subtracting(others) == named)
    }

    @Test("a row imports only rows above it, exactly those it names")
    func importsMatchTheTable() throws {
        var above: Set<String> = [
            "CPostgres", "COpenBLAS", "COneDNN", "CVectors", "CProcessor", "CZstd", "CCurl",
        ]
        for row in try SourceTree.layout() {
            let declared = Set(row.imports)
            #expect(declared.isSubset(of: above), "\(row.name) names a row below itself")
            let used = try SourceTree.imports(of: row.name).subtracting(Self.outside)
            #expect(used.subtracting(declared).isEmpty, "\(row.name) imports \(used.subtracting(declared)) unnamed")
            #expect(declared.subtracting(used).isEmpty, "\(row.name) names \(declared.subtracting(used)) unused")
            above.insert(row.name)
        }
    }

    @Test("unsafe code stays in the wrappers over C, the kernels and Blocking")
    func unsafeStaysInside() throws {
        let allowed = ["Blocking", "Loopback", "Postgres", "Zstd", "HTTPTransfer", "Tensor"].map { "Sources/\($0)/" }
        for (path, text) in try SourceTree.files(below: "Sources", extensions: ["swift"])
        where !allowed.contains(where: path.hasPrefix) {
            #expect(text.firstMatch(of: /\bunsafe\s+\w/) == nil, "\(path) holds unsafe code")
        }
    }

    @Test("statements live in sql/, not in Swift")
    func noStatementsInSwift() throws {
        for (path, text) in try SourceTree.files(below: "Sources", extensions: ["swift"]) {
            let statement = text.firstMatch(of: #/"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE|WITH) /#)
            #expect(statement == nil, "\(path) holds a statement")
        }
    }

    @Test("no file grows past what one idea needs")
    func filesStaySmall() throws {
        for (path, text) in try SourceTree.files(below: "Sources", extensions: ["swift"]) {
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).count
            #expect(lines <= 350, "\(path) has \(lines) lines")
        }
    }

    @Test("every relative link in the documentation leads somewhere")
    func linksResolve() throws {
        let pages = try SourceTree.files(below: "Sources", extensions: ["md"]) + [readme()]
        for (path, text) in pages {
            let folder = SourceTree.root.appending(path: path).deletingLastPathComponent()
            for match in text.matches(of: /\]\((?!https?:|#|<?doc:)([^)#]+)(?:#[^)]*)?\)/) {
                let target = folder.appending(path: String(match.1)).path
                #expect(FileManager.default.fileExists(atPath: target), "\(path) links to \(match.1)")
            }
        }
    }

    func readme() throws -> (path: String, text: String) {
        ("README.md", try String(contentsOf: SourceTree.root.appending(path: "README.md"), encoding: .utf8))
    }
}
