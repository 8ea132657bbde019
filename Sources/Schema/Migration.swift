import Crypto
import Problem

/// One step of the schema's history: `migrations/V0007_revisions.sql`. Once released its text never changes.
package struct Migration: Sendable, Equatable {
    /// The number in the file's name, from 1.
    package let version: Int32
    /// The file.
    package let file: SQLFile
    /// SHA-256 of the text, hexadecimal.
    package let digest: String
    /// Whether programs that do not know this step must stop: the text begins with the line `-- breaking`.
    package let isBreaking: Bool

    /// Reads the number from the file's name; nil when the name has another form.
    package init?(_ file: SQLFile) {
        guard let match = file.name.wholeMatch(of: /migrations\/V(\d{4})_\w+\.sql/), let version = Int32(match.1) else {
            return nil
        }
        self.version = version
        self.file = file
        digest = Self.digest(of: file.text)
        isBreaking = file.text.prefix { !$0.isNewline } == "-- breaking"
    }

    /// SHA-256 of a text, hexadecimal.
    package static func digest(of text: String) -> String {
        SHA256.hash(data: Array(text.utf8)).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }

    /// `V0007`.
    package static func label(_ version: Int32) -> String {
        let digits = String(version)
        return "V" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
