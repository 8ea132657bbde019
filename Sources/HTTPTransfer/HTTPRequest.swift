/// One HTTP request, complete in memory.
public struct HTTPRequest: Sendable {
    /// What is asked of the resource.
    public enum Method: String, Sendable {
        /// Read it.
        case get = "GET"
        /// Read its headers only.
        case head = "HEAD"
        /// Replace it by the body.
        case put = "PUT"
        /// Hand it the body.
        case post = "POST"
        /// Remove it.
        case delete = "DELETE"
    }

    /// What is asked.
    public var method: Method
    /// Scheme, host, port, path and query, already percent-encoded; sent exactly as written, dots in the path too.
    public var url: String
    /// Sent besides those HTTP itself needs (`Content-Length` and, unless given, `Host`).
    public var headers: HTTPHeaders
    /// Sent by `put` and `post` only, which always state its length, 0 included.
    public var body: [UInt8]
    /// The most bytes of body the response may have; a larger one is refused while it arrives.
    public var responseByteLimit: Int

    /// Makes a request.
    public init(
        _ method: Method, _ url: String, headers: HTTPHeaders = HTTPHeaders(), body: [UInt8] = [],
        responseByteLimit: Int = 64 << 20
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.responseByteLimit = responseByteLimit
    }

    /// Scheme, host and port: what an error may show, because a query may hold a signature.
    public var origin: String {
        guard let scheme = url.firstRange(of: "://") else { return Self.withoutUser(url.prefix { $0 != "/" }) }
        return url[..<scheme.upperBound] + Self.withoutUser(url[scheme.upperBound...].prefix { !"/?#".contains($0) })
    }

    private static func withoutUser(_ authority: Substring) -> String {
        String(authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority)
    }
}

/// A complete HTTP response, whatever its status.
public struct HTTPResponse: Sendable {
    /// The status code, 200 to 599.
    public var status: Int
    /// The header fields of the final response; those of interim ones (100) are dropped.
    public var headers: HTTPHeaders
    /// The body, at most the request's limit.
    public var body: [UInt8]

    /// Makes a response, as fakes do.
    public init(status: Int, headers: HTTPHeaders = HTTPHeaders(), body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// Header fields in order; names compare without case.
public struct HTTPHeaders: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    /// One field.
    public struct Field: Sendable, Hashable {
        /// The name as written.
        public let name: String
        /// The value without surrounding space.
        public let value: String
    }

    /// All fields, in order.
    public private(set) var fields: [Field] = []

    /// No fields.
    public init() {}

    /// The fields of a literal, in its order.
    public init(dictionaryLiteral elements: (String, String)...) {
        fields = elements.map { Field(name: $0.0, value: $0.1) }
    }

    /// Appends a field.
    public mutating func append(_ name: String, _ value: String) { fields.append(Field(name: name, value: value)) }

    /// The value of the first field of that name.
    public subscript(name: String) -> String? {
        let wanted = name.lowercased()
        return fields.first { $0.name.lowercased() == wanted }?.value
    }
}

/// Performs one HTTP exchange; ``TransferPool`` over libcurl, and scripted fakes in tests.
public protocol HTTPExchanging: Sendable {
    /// Sends the request and returns the complete response, whatever its status.
    ///
    /// - Throws: ``TransferError`` when no complete response came.
    func exchange(_ request: HTTPRequest) async throws(TransferError) -> HTTPResponse
}
