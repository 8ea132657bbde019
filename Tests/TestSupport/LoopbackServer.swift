import Foundation
import Glibc
import Synchronization

/// A small HTTP/1.1 server on a free loopback port whose every reply, fault or silence a test decides.
///
/// One thread per connection; connections are kept open as real servers keep them. `unsafe` is for the socket calls.
public final class LoopbackServer: Sendable {
    /// A request as it arrived.
    public struct Request: Sendable {
        /// `GET` and so on.
        public let method: String
        /// Path and query, exactly as sent.
        public let target: String
        /// The fields in order.
        public let headers: [(name: String, value: String)]
        /// As many bytes as `Content-Length` says.
        public let body: [UInt8]

        /// The value of the first field of that name, whatever its case.
        public func header(_ name: String) -> String? {
            headers.first { $0.name.lowercased() == name.lowercased() }?.value
        }
    }

    /// What to do with a request.
    public enum Reply: Sendable {
        /// Answer, with the body's length unless `headers` give one, and keep the connection.
        case respond(_ status: Int, headers: [String: String] = [:], body: [UInt8] = [])
        /// Send exactly these bytes and close.
        case raw([UInt8])
        /// Close without a byte.
        case close
        /// Send a TCP reset.
        case reset
        /// Say nothing until the server stops.
        case silence
    }

    private struct State {
        var stopped = false
        var connections: [Int32] = []
        var opened = 0
        var requests: [Request] = []
    }

    /// The port it listens on.
    public let port: Int
    private let listener: Int32
    private let handler: @Sendable (Request) -> Reply
    private let state = Mutex(State())

    /// Starts listening on a free port; `handler` runs on a connection's thread.
    public init(_ handler: @escaping @Sendable (Request) -> Reply) throws {
        self.handler = handler
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let status = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                let bound = unsafe bind(listener, address, size)
                return bound == 0 && listen(listener, 128) == 0 ? unsafe getsockname(listener, address, &size) : -1
            }
        }
        guard status == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { [self] in acceptAll() }
    }

    /// `http://127.0.0.1:PORT`.
    public var origin: String { "http://127.0.0.1:\(port)" }
    /// The requests answered so far, in order of arrival.
    public var requests: [Request] { state.withLock { $0.requests } }
    /// How many connections were accepted.
    public var openedConnections: Int { state.withLock { $0.opened } }

    /// Closes the port and every connection; silent connections end now.
    public func stop() {
        let open = state.withLock { state in
            state.stopped = true
            return state.connections
        }
        shutdown(listener, Int32(SHUT_RDWR))
        for connection in open { shutdown(connection, Int32(SHUT_RDWR)) }
    }

    private func acceptAll() {
        while true {
            let connection = accept(listener, nil, nil)
            let goesOn = state.withLock { state in
                guard connection >= 0, !state.stopped else { return false }
                state.connections.append(connection)
                state.opened += 1
                return true
            }
            guard goesOn else {
                if connection >= 0 { close(connection) }
                close(listener)
                return
            }
            Thread.detachNewThread { [self] in serve(connection) }
        }
    }

    private func serve(_ connection: Int32) {
        var pending: [UInt8] = []
        while let request = readRequest(connection, &pending) {
            state.withLock { $0.requests.append(request) }
            guard answer(connection, handler(request), to: request.method) else { break }
        }
        // Under the lock, so that `stop` never shuts down a number that the system has given to another file.
        state.withLock { state in
            state.connections.removeAll { $0 == connection }
            close(connection)
        }
    }

    /// Whether the connection stays open.
    private func answer(_ connection: Int32, _ reply: Reply, to method: String) -> Bool {
        switch reply {
        case .respond(let status, let headers, let body):
            var head = "HTTP/1.1 \(status) Status\r\n"
            if headers["Content-Length"] == nil { head += "Content-Length: \(body.count)\r\n" }
            for (name, value) in headers { head += "\(name): \(value)\r\n" }
            return send(connection, Array((head + "\r\n").utf8) + (method == "HEAD" ? [] : body))
        case .raw(let bytes):
            _ = send(connection, bytes)
            return false
        case .close: return false
        case .reset:
            var linger = linger(l_onoff: 1, l_linger: 0)
            unsafe setsockopt(
                connection, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
            return false
        case .silence:
            var byte: UInt8 = 0
            while unsafe recv(connection, &byte, 1, 0) > 0 {}
            return false
        }
    }

    private func send(_ connection: Int32, _ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes[sent...].withUnsafeBytes {
                unsafe Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// The next request of a connection; nil when it ended. `pending` holds what was read beyond the last one.
    private func readRequest(_ connection: Int32, _ pending: inout [UInt8]) -> Request? {
        let blank = Array("\r\n\r\n".utf8)
        var headEnd = pending.firstRange(of: blank)
        while headEnd == nil {
            guard receive(connection, &pending) else { return nil }
            headEnd = pending.firstRange(of: blank)
        }
        guard let headEnd else { return nil }
        let lines = String(decoding: pending[..<headEnd.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ")
        let headers = lines.dropFirst().compactMap { line in
            line.firstIndex(of: ":").map {
                (
                    name: String(line[..<$0]),
                    value: line[line.index(after: $0)...].trimmingCharacters(in: .whitespaces)
                )
            }
        }
        let length = headers.first { $0.name.lowercased() == "content-length" }.flatMap { Int($0.value) } ?? 0
        while pending.count - headEnd.upperBound < length {
            guard receive(connection, &pending) else { return nil }
        }
        let body = Array(pending[headEnd.upperBound..<headEnd.upperBound + length])
        pending.removeSubrange(..<(headEnd.upperBound + length))
        guard words.count == 3 else { return nil }
        return Request(method: String(words[0]), target: String(words[1]), headers: headers, body: body)
    }

    private func receive(_ connection: Int32, _ pending: inout [UInt8]) -> Bool {
        let piece = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
            count = unsafe max(0, recv(connection, buffer.baseAddress, buffer.count, 0))
        }
        pending += piece
        return !piece.isEmpty
    }
}
