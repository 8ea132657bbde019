import Foundation

/// Turns `sql/**/*.sql` into Swift string constants.
///
/// Usage: `EmbedSQL FOLDER OUTPUT FILE…`. `sql/queries/claim_chunk.sql` becomes `SQL.Queries.claimChunk`, an
/// `SQLFile` with the name `queries/claim_chunk.sql`; each folder also gets `all`, in the order of the file names, and
/// `SQL.all` is every file.
@main enum EmbedSQL {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 3 else {
            FileHandle.standardError.write(Data("usage: EmbedSQL FOLDER OUTPUT FILE…\n".utf8))
            exit(2)
        }
        let folder = arguments[1].hasSuffix("/") ? arguments[1] : arguments[1] + "/"
        let names = arguments.dropFirst(3).map { String($0.dropFirst(folder.count)) }.sorted()
        var source = "/// The statements of `sql/`, embedded at build time by EmbedSQLPlugin.\npublic enum SQL {\n"
        for (group, members) in Dictionary(grouping: names, by: folderName).sorted(by: { $0.key < $1.key }) {
            source += "    /// `sql/\(group)/`\n    public enum \(camelCase(group, capitalized: true)) {\n"
            for name in members {
                let text = try String(contentsOfFile: folder + name, encoding: .utf8)
                source += "        /// `sql/\(name)`\n        public static let \(camelCase(stem(name))) = SQLFile(\n"
                source += "            name: \"\(name)\", text: ####\"\"\"\n\(text)\n\"\"\"####)\n"
            }
            let list = members.map { camelCase(stem($0)) }.joined(separator: ", ")
            source += "        /// Every file of the folder, by name.\n"
            source += "        public static let all: [SQLFile] = [\(list)]\n    }\n"
        }
        let everything = names.map { "\(camelCase(folderName($0), capitalized: true)).\(camelCase(stem($0)))" }
        source += "    /// Every file, by name.\n"
        source += "    public static let all: [SQLFile] = [\(everything.joined(separator: ", "))]\n}\n"
        try source.write(toFile: arguments[2], atomically: true, encoding: .utf8)
    }

    static func folderName(_ path: String) -> String { path.split(separator: "/").dropLast().joined(separator: "_") }

    static func stem(_ path: String) -> String {
        String(path.split(separator: "/").last?.dropLast(".sql".count) ?? "")
    }

    /// `claim_chunk` → `claimChunk`; `V0001_jobs` → `v0001Jobs`.
    static func camelCase(_ name: String, capitalized: Bool = false) -> String {
        let words = name.split(whereSeparator: { !$0.isLetter && !$0.isNumber }).map(String.init)
        return words.enumerated().map { index, word in
            let head = word.prefix(1)
            return (index == 0 && !capitalized ? head.lowercased() : head.uppercased()) + word.dropFirst()
        }.joined()
    }
}
