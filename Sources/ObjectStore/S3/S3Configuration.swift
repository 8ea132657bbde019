public import Problem

/// Which bucket, where, and how it is asked.
public struct S3Configuration: Sendable, Equatable {
    /// How a request names the bucket.
    public enum Addressing: String, Sendable {
        /// `https://host/bucket/key`: most servers that are not AWS.
        case path
        /// `https://bucket.host/key`: AWS.
        case virtualHost
    }

    /// 3 to 63 lower-case letters, digits, hyphens and dots.
    public var bucket: String
    /// Part of every signature; servers other than AWS mostly take `us-east-1`.
    public var region: String
    /// Scheme, host and port, for example `http://127.0.0.1:9000`; nil for AWS's own in the region.
    public var endpoint: String?
    /// Default: by path where an endpoint is given or the bucket's name has dots, else by host.
    public var addressing: Addressing
    /// Whether a put carries `If-None-Match: *`, so that the server itself refuses a taken key; default true. False
    /// for servers that answer 501 to it: the store then looks first, which two writers can do at once.
    public var conditionalPut = true
    /// When requests are tried again.
    public var retry = StoreRetryPolicy()
    /// The largest object that `get` reads whole, in bytes; default 1 GiB.
    public var objectByteLimit = 1 << 30

    /// Makes a configuration with defaults; checked when a store is made of it.
    public init(bucket: String, region: String, endpoint: String? = nil, addressing: Addressing? = nil) {
        self.bucket = bucket
        self.region = region
        self.endpoint = endpoint
        self.addressing = addressing ?? (endpoint != nil || bucket.contains(".") ? .path : .virtualHost)
    }

    /// Checks the bucket's name, the region and the endpoint; throws ``Problem`` `bad_setting`.
    public func validate() throws(Problem) {
        let letters = bucket.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x2E
        }
        guard (3...63).contains(bucket.utf8.count), letters else {
            throw Problem(
                "bad_setting", at: "bucket \(Problem.excerpt(bucket))", "a bucket's name cannot read so.",
                do: "use 3 to 63 lower-case letters, digits, hyphens and dots.")
        }
        guard !region.isEmpty, region.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x2F }) else {
            throw Problem(
                "bad_setting", at: "region", "the region is empty or holds other than letters, digits and hyphens.",
                do: "set AWS_REGION, for example us-east-1.")
        }
        guard let endpoint else { return try retry.validate() }
        let parts = endpoint.split(separator: "://", maxSplits: 1)
        guard parts.count == 2, parts[0] == "https" || parts[0] == "http",
            parts[1].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x40 && $0 != 0x3F && $0 != 0x23 }),
            !parts[1].dropLast(parts[1].hasSuffix("/") ? 1 : 0).contains("/"), parts[1] != "/"
        else {
            throw Problem(
                "bad_setting", at: "endpoint", "the endpoint is not scheme, host and port alone.",
                do: "write it like https://store.example:9000.")
        }
        try retry.validate()
    }

    /// `https://host:port`, the bucket included when it is addressed by host.
    var origin: String { "\(scheme)://\(authority)" }

    /// Host and port as the `Host` header has them, and as they are signed.
    var authority: String { addressing == .virtualHost ? "\(bucket).\(server)" : server }

    /// The path before the encoded key.
    var pathPrefix: String { addressing == .path ? "/\(bucket)" : "" }

    private var scheme: String { endpoint.map { $0.hasPrefix("http://") ? "http" : "https" } ?? "https" }

    private var server: String {
        guard let endpoint else { return "s3.\(region).amazonaws.com" }
        let authority = endpoint.firstRange(of: "://").map { endpoint[$0.upperBound...] } ?? endpoint[...]
        return authority.filter { $0 != "/" }.lowercased()
    }
}
