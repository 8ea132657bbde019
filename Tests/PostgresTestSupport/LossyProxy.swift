import Foundation
import Glibc
import Postgres
import Synchronization

/// A proxy on the loopback that can lose the server's reply to one statement: the server has done its work, and the client
/// sees a broken connection.
///
/// It is for one connection at a time, without TLS.
public final class LossyProxy: Sendable {
    /// Errors of the sockets under the proxy.
    public struct SocketFailure: Error {
        let call: String
        let code: Int32
    }

    private let listener: Int32
    private let target: (host: String, port: UInt16)
    private let marker = Mutex<[UInt8]?>(nil)
    /// The connection string through the proxy.
    public let conninfo: String

    /// Listens on a free port of the loopback and passes connections on to the server of `database`.
    ///
    /// - Throws: ``SocketFailure``; what connecting throws.
    public init(to database: TestDatabase) async throws {
        let server = try await database.withConnection { $0.server }
        guard let match = server.wholeMatch(of: /(.+):(\d+)\/.+/), let port = UInt16(match.2), match.1.first != "/"
        else {
            throw SocketFailure(call: "ATTUNE_TEST_DSN needs a TCP host, not \(server)", code: EAFNOSUPPORT)
        }
        target = (String(match.1), port)
        let bound = try Self.listen()
        listener = bound.socket
        conninfo = try TestRun.conninfo(
            of: database.name, "host=127.0.0.1", "port=\(bound.port)", "sslmode=disable", "gssencmode=disable")
        Thread.detachNewThread { [self] in serve() }
    }

    /// Loses the reply to the next thing the client sends that contains `text`, and closes the connection.
    public func loseReply(to text: String) { marker.withLock { $0 = Array(text.utf8) } }

    /// Stops listening.
    public func close() { shutdown(listener, Int32(SHUT_RDWR)) }

    private func serve() {
        while true {
            let client = accept(listener, nil, nil)
            guard client >= 0 else { break }
            pass(client)
        }
        Glibc.close(listener)
    }

    /// Carries one connection's bytes both ways until either side ends or the reply is to be lost.
    private func pass(_ client: Int32) {
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var isLosing = false
        if unsafe Self.withAddress(target.host, target.port, { unsafe connect(server, $0, $1) }) == 0 {
            while true {
                var sides = [
                    pollfd(fd: client, events: Int16(POLLIN), revents: 0),
                    pollfd(fd: server, events: Int16(POLLIN), revents: 0),
                ]
                guard unsafe poll(&sides, 2, -1) > 0 else { break }
                if sides[0].revents != 0 {
                    guard let bytes = Self.read(client), Self.write(bytes, to: server) else { break }
                    isLosing = isLosing || isMarked(bytes)
                }
                if sides[1].revents != 0 {
                    guard let bytes = Self.read(server) else { break }
                    // `ReadyForQuery` outside a transaction ends the reply: what was sent has been done.
                    if isLosing, bytes.suffix(6) == [0x5A, 0, 0, 0, 5, 0x49] { break }
                    guard isLosing || Self.write(bytes, to: client) else { break }
                }
            }
        }
        Glibc.close(server)
        Glibc.close(client)
    }

    private func isMarked(_ bytes: [UInt8]) -> Bool {
        marker.withLock { wanted in
            guard let text = wanted, bytes.firstRange(of: text) != nil else { return false }
            wanted = nil
            return true
        }
    }

    private static func read(_ descriptor: Int32) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
        return count > 0 ? Array(buffer.prefix(count)) : nil
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes[sent...].withUnsafeBytes {
                unsafe send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    private static func listen() throws -> (socket: Int32, port: UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard unsafe Self.withAddress("127.0.0.1", 0, { unsafe bind(descriptor, $0, $1) }) == 0 else {
            throw SocketFailure(call: "bind", code: errno)
        }
        guard Glibc.listen(descriptor, 16) == 0 else { throw SocketFailure(call: "listen", code: errno) }
        var (address, length) = (sockaddr_in(), socklen_t(MemoryLayout<sockaddr_in>.size))
        let status = unsafe withUnsafeMutablePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(descriptor, $0, &length) }
        }
        guard status == 0 else { throw SocketFailure(call: "getsockname", code: errno) }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    private static func withAddress(
        _ host: String, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        guard unsafe inet_pton(AF_INET, host == "localhost" ? "127.0.0.1" : host, &address.sin_addr) == 1 else {
            return -1
        }
        return unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
