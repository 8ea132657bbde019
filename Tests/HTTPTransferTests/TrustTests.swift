import Foundation
import HTTPTransfer
import TestSupport
import Testing

/// A TLS server made by the `openssl` command, with a certificate that no system trusts.
@Suite(
    .enabled(if: FileManager.default.isExecutableFile(atPath: TLSServer.openssl), "needs /usr/bin/openssl"),
    .timeLimit(.minutes(1)))
struct TrustTests {
    @Test("a certificate of an unknown authority is refused, unless its authority was named")
    func unknownAuthority() async throws {
        let server = try TLSServer()
        defer { server.stop() }
        #expect(try await code(server.port, authorities: nil) == .untrusted)
        #expect(try await code(server.port, authorities: server.certificate) == nil)
        #expect(try await code(server.port, authorities: "/nonexistent.pem") == .untrusted)
    }

    @Test("a certificate for another name is refused although its authority is trusted")
    func otherName() async throws {
        let server = try TLSServer(name: "elsewhere.example")
        defer { server.stop() }
        #expect(try await code(server.port, authorities: server.certificate) == .untrusted)
    }

    /// The error's code; nil when the exchange ended with status 200.
    private func code(_ port: Int, authorities: String?) async throws -> TransferError.Code? {
        var settings = TransferSettings()
        settings.certificateAuthorities = authorities
        while true {
            do {
                let pool = try TransferPool(settings)
                let response = try await pool.exchange(HTTPRequest(.get, "https://localhost:\(port)/"))
                #expect(response.status == 200)
                return nil
            } catch let error as TransferError where error.code == .unreachable {
                try await Task.sleep(for: .milliseconds(20))
            } catch let error as TransferError {
                return error.code
            }
        }
    }
}

/// `openssl s_server -www` on a free port.
struct TLSServer {
    static let openssl = "/usr/bin/openssl"
    let port: Int
    private let folder: URL
    private let process = Process()

    var certificate: String { folder.appending(path: "certificate.pem").path }

    init(name: String = "localhost") throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "attune-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let key = folder.appending(path: "key.pem").path
        let make = Process()
        make.executableURL = URL(filePath: Self.openssl)
        make.arguments =
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:\(name)", "-keyout", key, "-out",
                folder.appending(path: "certificate.pem").path,
            ]
        make.standardError = FileHandle.nullDevice
        try make.run()
        make.waitUntilExit()
        #expect(make.terminationStatus == 0)
        // A port that was free a moment ago; `code` waits until the new server listens on it.
        let probe = try LoopbackServer { _ in .close }
        port = probe.port
        probe.stop()
        process.executableURL = URL(filePath: Self.openssl)
        process.arguments = [
            "s_server", "-accept", "127.0.0.1:\(port)", "-www", "-key", key, "-cert",
            folder.appending(path: "certificate.pem").path,
        ]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    func stop() {
        // Threads of the cooperative pool block signals and a child inherits that: SIGTERM would never arrive.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        #expect(throws: Never.self) { try FileManager.default.removeItem(at: folder) }
    }
}
