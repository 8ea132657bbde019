import Foundation

/// The checkout, read as text.
enum SourceTree {
    /// The package's root folder.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Every file below a folder of the root with one of these extensions, as (path from the root, text).
    static func files(below folder: String, extensions: Set<String>) throws -> [(path: String, text: String)] {
        let start = root.appending(path: folder)
        guard let walk = FileManager.default.enumerator(at: start, includingPropertiesForKeys: nil) else { return [] }
        var found: [(path: String, text: String)] = []
        for case let url as URL in walk where extensions.contains(url.pathExtension) {
            let path = url.path.replacingOccurrences(of: root.path + "/", with: "")
            found.append((path, try String(contentsOf: url, encoding: .utf8)))
        }
        return found.sorted { $0.path < $1.path }
    }

    /// One row of the layout table in `Package.swift`.
    struct Row {
        let name: String
        let imports: [String]
    }

    /// The layout table, top to bottom.
    static func layout() throws -> [Row] {
        let manifest = try String(contentsOf: root.appending(path: "Package.swift"), encoding: .utf8)
        guard let start = manifest.range(of: "let libraries"),
            let end = manifest.range(of: "\n]\n", range: start.upperBound..<manifest.endIndex)
        else { return [] }
        let table = manifest[start.upperBound..<end.lowerBound]
        return table.matches(of: /\(\s*"(\w+)",\s*\[([^\]]*)\]/).map { match in
            Row(name: String(match.1), imports: match.2.matches(of: /"(\w+)"/).map { String($0.1) })
        }
    }

    /// The modules that the sources of a target import.
    static func imports(of target: String) throws -> Set<String> {
        let lines = try files(below: "Sources/\(target)", extensions: ["swift"]).flatMap {
            $0.text.split(separator: "\n")
        }
        return Set(
            lines.compactMap { line in
                line.firstMatch(of: /^\s*(?:@\w+\s+)?(?:public |package |internal )?import (?:\w+ )?(\w+)/).map {
                    String($0.1)
                }
            })
    }
}
