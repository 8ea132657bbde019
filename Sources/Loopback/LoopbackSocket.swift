import Glibc

/// A stream socket: blocking, IPv4 or Unix, closed by whoever holds it last. `unsafe` is for the system's structures.
struct LoopbackSocket: Sendable, Hashable {
    private let descriptor: Int32

    /// Listens on a free port of 127.0.0.1.
    static func listen() throws -> (socket: LoopbackSocket, port: UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw SocketFailure(call: "socket", code: errno) }
        guard unsafe withAddress(.port(0), { unsafe bind(descriptor, $0, $1) }) == 0 else {
            throw SocketFailure(call: "bind", code: errno)
        }
        guard Glibc.listen(descriptor, 128) == 0 else { throw SocketFailure(call: "listen", code: errno) }
        var (address, length) = (sockaddr_in(), socklen_t(MemoryLayout<sockaddr_in>.size))
        let status = unsafe withUnsafeMutablePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(descriptor, $0, &length) }
        }
        guard status == 0 else { throw SocketFailure(call: "getsockname", code: errno) }
        return (LoopbackSocket(descriptor: descriptor), UInt16(bigEndian: address.sin_port))
    }

    /// The next connection; nil once the socket is shut down.
    func accept() -> LoopbackSocket? {
        while true {
            let connection = Glibc.accept(descriptor, nil, nil)
            if connection >= 0 { return LoopbackSocket(descriptor: connection) }
            if errno != EINTR && errno != ECONNABORTED { return nil }
        }
    }

    /// A connection; nil when nobody listens there.
    static func connect(to address: LoopbackAddress) -> LoopbackSocket? {
        let family = if case .path = address { AF_UNIX } else { AF_INET }
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        guard unsafe withAddress(address, { unsafe Glibc.connect(descriptor, $0, $1) }) == 0 else {
            Glibc.close(descriptor)
            return nil
        }
        return LoopbackSocket(descriptor: descriptor)
    }

    /// What arrived; nil when the other side has ended.
    func receive() -> [UInt8]? {
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
            count = unsafe max(0, recv(descriptor, buffer.baseAddress, buffer.count, 0))
        }
        return bytes.isEmpty ? nil : bytes
    }

    /// Sends all of it; false when the other side has ended.
    func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes[sent...].withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Waits until one of two sockets has something to say, or has ended.
    static func awaitEither(_ first: LoopbackSocket, _ second: LoopbackSocket) -> (first: Bool, second: Bool) {
        var sides = [
            pollfd(fd: first.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: second.descriptor, events: Int16(POLLIN), revents: 0),
        ]
        while unsafe poll(&sides, 2, -1) < 0, errno == EINTR {}
        return (sides[0].revents != 0, sides[1].revents != 0)
    }

    /// Ends both directions, which wakes whoever waits for it; it is still to be closed.
    func shutDown() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// Gives it back to the system, with a TCP reset if asked for.
    func close(reset: Bool = false) {
        if reset {
            var linger = linger(l_onoff: 1, l_linger: 0)
            let size = socklen_t(MemoryLayout.size(ofValue: linger))
            unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, size)
        }
        Glibc.close(descriptor)
    }

    private static func withAddress(
        _ address: LoopbackAddress, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        switch address {
        case .port(let port): return unsafe withAddress(.host("127.0.0.1", port), body)
        case .host(let host, let port):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            let name = host == "localhost" ? "127.0.0.1" : host
            guard unsafe inet_pton(AF_INET, name, &address.sin_addr) == 1 else { return -1 }
            return unsafe withUnsafePointer(to: &address) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        case .path(let path):
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let bytes = Array(path.utf8)
            guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return -1 }
            unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
            return unsafe withUnsafePointer(to: &address) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
    }
}
