import Synchronization

/// Says from any task that an exchange shall stop.
final class CancellationFlag: Sendable {
    private let value = Atomic(false)
    var isSet: Bool { value.load(ordering: .relaxed) }
    func set() { value.store(true, ordering: .relaxed) }
}

/// What has arrived of one response; used by libcurl's callbacks, all on the thread that performs the exchange.
final class Reception {
    let byteLimit: Int
    private let cancellation: CancellationFlag
    private(set) var status = 0
    private(set) var headers = HTTPHeaders()
    private(set) var body: [UInt8] = []
    private(set) var overflowed = false
    private var headerBytes = 0

    /// No honest response has more bytes of header fields.
    private static let headerByteLimit = 256 * 1024

    init(byteLimit: Int, cancellation: CancellationFlag) {
        self.byteLimit = byteLimit
        self.cancellation = cancellation
    }

    var mustStop: Bool { cancellation.isSet }

    /// Takes a piece of the body; returning another count than its own makes libcurl give up.
    @unsafe func receiveBody(_ piece: UnsafeRawBufferPointer) -> Int {
        guard piece.count <= byteLimit - body.count else {
            overflowed = true
            return 0
        }
        if body.isEmpty, let length = headers["Content-Length"].flatMap(Int.init), length <= byteLimit {
            body.reserveCapacity(length)
        }
        unsafe body.append(contentsOf: piece)
        return piece.count
    }

    /// Takes one line of the head: a status line begins a response and forgets an interim one.
    @unsafe func receiveHeader(_ bytes: UnsafeRawBufferPointer) -> Int {
        headerBytes += bytes.count
        guard headerBytes <= Self.headerByteLimit else {
            overflowed = true
            return 0
        }
        let line = unsafe String(decoding: bytes, as: UTF8.self)
        if line.hasPrefix("HTTP/") {
            status = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
            headers = HTTPHeaders()
        } else if let colon = line.firstIndex(of: ":") {
            headers.append(
                String(line[..<colon]),
                String(line[line.index(after: colon)...].trimmingPrefix(while: \.isWhitespace))
                    .trimmingTrailingWhitespace())
        }
        return bytes.count
    }
}

extension String {
    fileprivate func trimmingTrailingWhitespace() -> String {
        String(self[..<(lastIndex { !$0.isWhitespace }.map(index(after:)) ?? startIndex)])
    }
}
