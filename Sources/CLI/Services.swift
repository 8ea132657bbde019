import ArgumentParser
import Embedded
import Foundation
import ObjectStore
import Postgres
import Problem
import Schema

/// The servers of one deployment: started, migrated, stopped.
struct Services {
    let directory: String
    let store: String?
    let endpoint: String?
    let base: String
    let isDurable: Bool

    private var postgres: PostgresServer { PostgresServer(folder: "\(directory)/postgres") }

    /// Starts what is not given from outside, migrates the schema and returns where everything is.
    func start() async throws -> Deployment {
        let conninfo: String
        if let given = Settings.conninfo {
            conninfo = given
        } else {
            try postgres.start(isDurable: isDurable)
            conninfo = postgres.conninfo
        }
        let database = try await Connection.open(conninfo)
        _ = try await Migrator().migrate(database)
        await database.close()
        let hasBase = FileManager.default.fileExists(atPath: "\(base)/config.json")
        var deployment = Deployment(
            conninfo: conninfo, store: store ?? "\(directory)/objects", endpoint: endpoint ?? Settings.s3Endpoint,
            credentialsFile: nil, base: hasBase ? base : nil, processID: ProcessInfo.processInfo.processIdentifier)
        if store == "s3" {
            let server = try embeddedS3()
            try server.start()
            deployment.store = "s3://attune"
            deployment.endpoint = try server.endpoint()
            deployment.credentialsFile = credentialsFile
            try await StoreOptions.parse([]).openS3(bucket: "attune", deployment).createBucket()
        }
        return deployment
    }

    /// Stops the servers this folder holds; data stays.
    func stop() throws {
        if store == "s3" { try embeddedS3().stop() }
        if Settings.conninfo == nil { try postgres.stop() }
    }

    func removeDeploymentFile() {
        do {
            try FileManager.default.removeItem(atPath: Deployment.file(in: directory))
        } catch {
            Terminal.note("could not remove \(Deployment.file(in: directory)): \(error)")
        }
    }

    private var credentialsFile: String { "\(directory)/s3-credentials" }

    /// The embedded server, with keys drawn once and kept where only the owner reads them.
    private func embeddedS3() throws -> S3Server {
        if !FileManager.default.fileExists(atPath: credentialsFile) {
            var random = SystemRandomNumberGenerator()
            let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
            let draw = { (count: Int) in String((0..<count).compactMap { _ in letters.randomElement(using: &random) }) }
            let text = "[default]\naws_access_key_id = AT\(draw(18))\naws_secret_access_key = \(draw(40))\n"
            guard
                FileManager.default.createFile(
                    atPath: credentialsFile, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
            else {
                throw Problem(
                    "file_unwritable", at: credentialsFile, "cannot be written.", do: "check the folder's owner.")
            }
        }
        let text = try String(contentsOfFile: credentialsFile, encoding: .utf8)
        guard let match = text.firstMatch(of: /aws_access_key_id = (\w+)\s+aws_secret_access_key = (\w+)/) else {
            throw Problem("file_damaged", at: credentialsFile, "holds no keys.", do: "remove it and \(directory)/s3.")
        }
        return S3Server(folder: "\(directory)/s3", accessKey: String(match.1), secretKey: String(match.2))
    }
}
