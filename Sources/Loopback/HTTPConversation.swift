/// HTTP/1.1, as far as an object store's failures need it: one request after another on a connection, bodies with a length.
public struct HTTPConversation: Conversation {
    /// What happens to a request.
    public enum Order: Sendable, Equatable {
        /// The server never hears of it; the client is answered with this status.
        case refuse(status: Int)
        /// The server does what a PUT says; the client sees a broken connection.
        case loseReplyToPut
        /// The connection breaks in the middle of a PUT's body.
        case cutPut
    }

    private enum Fate: Equatable {
        case pass
        case refuse(status: Int)
        case loseReply
        case cut(after: Int)
    }

    private let orders: FaultOrders<Order>
    private var head: [UInt8] = []
    /// Bytes of the request's body that are still to come.
    private var bodyLeft = 0
    private var fate = Fate.pass
    private static let blank = Array("\r\n\r\n".utf8)

    /// A conversation that fails as ordered.
    public init(_ orders: FaultOrders<Order>) { self.orders = orders }

    /// See ``Conversation``.
    public mutating func clientSaid(_ bytes: [UInt8]) -> [ProxyStep] {
        var steps: [ProxyStep] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            if bodyLeft == 0 {
                head += rest
                guard let end = head.firstRange(of: Self.blank)?.upperBound else { return steps }
                rest = head[end...]
                let request = Array(head[..<end])
                head = []
                begin(request)
                if passesOn { steps.append(.toServer(request)) }
                rest = Array(rest)[...]
            }
            let piece = rest.prefix(bodyLeft)
            rest = rest.dropFirst(piece.count)
            bodyLeft -= piece.count
            if case .cut(let limit) = fate {
                steps.append(.toServer(Array(piece.prefix(limit))))
                if piece.count >= limit {
                    orders.noteDone()
                    return steps + [.reset]
                }
                fate = .cut(after: limit - piece.count)
            } else if passesOn, !piece.isEmpty {
                steps.append(.toServer(Array(piece)))
            }
            if bodyLeft == 0, case .refuse(let status) = fate {
                orders.noteDone()
                return steps + [.toClient(Self.answer(status)), .close]
            }
        }
        return steps
    }

    /// See ``Conversation``. A lost reply is lost at its first byte: by then the server has done what was asked.
    public mutating func serverSaid(_ bytes: [UInt8]) -> [ProxyStep] {
        // A server that waits for the body says so first; that is not its reply.
        if fate == .loseReply, !bytes.starts(with: Array("HTTP/1.1 100".utf8)) {
            orders.noteDone()
            return [.reset]
        }
        return [.toClient(bytes)]
    }

    private var passesOn: Bool { if case .refuse = fate { false } else { true } }

    /// Reads a request's head and decides what becomes of it.
    private mutating func begin(_ request: [UInt8]) {
        let lines = String(decoding: request, as: UTF8.self).split(separator: "\r\n")
        let length = lines.dropFirst().compactMap { line -> Int? in
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == "content-length" else { return nil }
            return Int(parts[1].drop { $0 == " " })
        }
        bodyLeft = length.first ?? 0
        let isPut = lines.first?.hasPrefix("PUT ") == true && bodyLeft > 1
        let order = orders.take { order in
            if case .refuse = order { true } else { isPut }
        }
        fate =
            switch order {
            case .refuse(let status): .refuse(status: status)
            case .loseReplyToPut: .loseReply
            case .cutPut: .cut(after: bodyLeft / 2)
            case nil: .pass
            }
    }

    private static func answer(_ status: Int) -> [UInt8] {
        let code = status == 503 ? "SlowDown" : "InternalError"
        let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>\(code)</Code></Error>"
        return Array(
            ("HTTP/1.1 \(status) Fault\r\nContent-Type: application/xml\r\nContent-Length: \(body.utf8.count)\r\n"
                + "Connection: close\r\n\r\n\(body)").utf8)
    }
}
