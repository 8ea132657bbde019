import Foundation
import Glibc
import Problem

/// What `attune up` started under a folder, as the other commands find it: `DIR/attune.json`.
struct Deployment: Codable, Sendable {
    /// libpq conninfo, without password.
    var conninfo: String
    /// `s3://bucket/prefix`, or the folder of a directory store.
    var store: String
    /// Endpoint of an S3 server that is not AWS.
    var endpoint: String?
    /// Where the embedded S3 server's keys are (AWS shared credentials format, readable by the owner alone).
    var credentialsFile: String?
    /// Folder of the base model, when one was found.
    var base: String?
    /// The process that watches over the others.
    var processID: Int32

    static func file(in directory: String) -> String { "\(directory)/attune.json" }

    /// The deployment of a folder; nil when there is none or its process is gone.
    static func running(in directory: String) throws -> Deployment? {
        let path = file(in: directory)
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        do {
            let deployment = try JSONDecoder().decode(Deployment.self, from: Data(contentsOf: URL(filePath: path)))
            return kill(deployment.processID, 0) == 0 || errno == EPERM ? deployment : nil
        } catch is DecodingError {
            throw Problem(
                "file_damaged", at: path, "is not what `attune up` writes.", do: "remove it and run attune up.")
        }
    }

    func write(to directory: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(self).write(to: URL(filePath: Self.file(in: directory)), options: .atomic)
    }
}
