public import Problem

/// Why no complete response came.
///
/// The text holds the origin and libcurl's own words about the connection: no path, query, header or body.
public struct TransferError: ProblemConvertible, Sendable, Hashable, CustomStringConvertible {
    /// What happened, as a stable word; more may be added.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The class a ``Problem`` shows.
        public let description: String

        /// The host's name has no address.
        public static let unresolved = Code(description: "host_unresolved")
        /// No connection could be made.
        public static let unreachable = Code(description: "host_unreachable")
        /// A time limit of ``TransferSettings`` passed.
        public static let timedOut = Code(description: "transfer_timed_out")
        /// The connection was reset or closed before the response was complete.
        public static let connectionLost = Code(description: "connection_lost")
        /// The server's certificate is not trusted, or the file of authorities cannot be read.
        public static let untrusted = Code(description: "certificate_untrusted")
        /// The response is larger than the request allows.
        public static let tooLarge = Code(description: "response_too_large")
        /// The task was cancelled.
        public static let cancelled = Code(description: "cancelled")
        /// The request cannot be sent: its URL or a header is malformed.
        public static let malformed = Code(description: "malformed_request")
        /// Anything else libcurl reports.
        public static let failed = Code(description: "transfer_failed")
    }

    /// What happened.
    public let code: Code
    /// Scheme, host and port asked.
    public let origin: String
    /// The facts.
    public let reason: String
    /// libcurl's own number, 0 where it was not involved.
    public let curlCode: UInt32

    /// Makes an error, as fakes do.
    public init(_ code: Code, origin: String, _ reason: String, curlCode: UInt32 = 0) {
        self.code = code
        self.origin = origin
        self.reason = reason
        self.curlCode = curlCode
    }

    /// Whether the same request may succeed later with nothing changed by a person.
    public var isRetryable: Bool {
        switch code {
        case .unresolved, .unreachable, .timedOut, .connectionLost: true
        default: false
        }
    }

    /// The same error with its remedy.
    public var problem: Problem {
        Problem(code.description, at: origin, reason, do: remedy, isRetryable: isRetryable)
    }

    /// The two lines of ``problem``.
    public var description: String { problem.description }

    private var remedy: String {
        switch code {
        case .unresolved, .unreachable: "check the address and that the server runs; the request may be repeated."
        case .timedOut, .connectionLost: "nothing is lost; repeat the request, and look at the network if it lasts."
        case .untrusted: "name the authority's file in AWS_CA_BUNDLE; certificates are always verified."
        case .tooLarge: "check that this address is the one that was meant."
        case .cancelled: "nothing; the work was cancelled on request."
        case .malformed: "correct the address in the configuration."
        default: "repeat the request; if it lasts, this number is libcurl's CURLcode."
        }
    }
}
