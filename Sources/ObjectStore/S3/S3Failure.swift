import HTTPTransfer
import Problem

/// What a response that is no success means: pure, so that each row of it is a test.
struct S3Failure: Sendable, Equatable {
    let method: String
    let status: Int
    /// S3's own word, for example `SlowDown`; empty where the server gave none (a HEAD has no body).
    let code: String
    /// Seconds the server asks to wait.
    let serverSeconds: Double?
    /// Where the server says the bucket is, when it was asked in the wrong region.
    let otherRegion: String?

    init(_ method: String, _ response: HTTPResponse) {
        self.method = method
        status = response.status
        let element = XMLElement.parse(response.body)
        // Only a word of S3's form is shown: an intermediary's page of HTML is not.
        let word = element?.name == "Error" ? element?["Code"]?.text ?? "" : ""
        code = word.count <= 64 && word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) } ? word : ""
        serverSeconds = response.headers["Retry-After"].flatMap(Double.init).flatMap { $0 >= 0 ? $0 : nil }
        otherRegion = response.headers["x-amz-bucket-region"] ?? element?["Region"]?.text
    }

    /// The status and the word: `503 SlowDown`.
    var summary: String { code.isEmpty ? "\(status)" : "\(status) \(code)" }

    /// Whether the same request may succeed soon.
    var isRetryable: Bool {
        switch status {
        case 408, 429, 500, 502, 503, 504: true
        // Damaged or late on the way to the server, or two writers at the same instant.
        case 400: ["RequestTimeout", "BadDigest", "XAmzContentSHA256Mismatch", "IncompleteBody"].contains(code)
        case 409: ["ConditionalRequestConflict", "OperationAborted"].contains(code)
        default: false
        }
    }

    /// Whether other credentials may have been put in place meanwhile.
    var asksForFreshCredentials: Bool {
        ["ExpiredToken", "TokenRefreshRequired", "InvalidAccessKeyId", "InvalidToken"].contains(code)
    }

    var isMissingBucket: Bool { status == 404 && code == "NoSuchBucket" }

    /// The failure for the person who can act on it.
    func problem(at location: String, _ configuration: S3Configuration, _ credentials: StoreCredentials) -> Problem {
        let bucket = "s3://\(configuration.bucket)"
        switch (status, code) {
        case (403, "RequestTimeTooSkewed"):
            return Problem(
                "store_clock_skew", at: bucket, "\(summary): this machine's clock differs from the store's.",
                do: "set this machine's clock, for example by NTP.")
        case (403, "QuotaExceeded"), (507, _):
            return Problem(
                "store_full", at: bucket, "\(method) \(summary).",
                do: "raise the bucket's quota or remove objects; nothing is lost, the work runs again.",
                isRetryable: true)
        case (401, _), (403, _):
            return Problem(
                "store_denied", at: bucket, "\(summary) (key \(credentials), region \(configuration.region)).",
                do: "check AWS_SECRET_ACCESS_KEY or the profile, and the region.")
        case (404, "NoSuchBucket"):
            return Problem(
                "bucket_missing", at: bucket, "\(method) \(summary).",
                do: "create the bucket or correct its name.")
        case (301, _), (307, _), (400, "AuthorizationHeaderMalformed"), (400, "IllegalLocationConstraintException"):
            let place = otherRegion.map { "it is in region \(Problem.excerpt($0))" } ?? "it is elsewhere"
            return Problem(
                "store_region", at: bucket, "\(summary): asked in region \(configuration.region), \(place).",
                do: "set AWS_REGION and the endpoint to the bucket's own.")
        default:
            return Problem(
                "store_refused", at: location, "\(method) \(summary).",
                do: "see whether this server supports the request; S3's documentation names the code.")
        }
    }

    /// What remains to be said after the last try.
    static func unavailable(_ method: String, _ reason: String, tries: Int, seconds: Double, at location: String)
        -> Problem
    {
        Problem(
            "store_unavailable", at: location,
            "\(method) \(reason), \(tries) \(tries == 1 ? "try" : "tries") in \(Int(seconds.rounded(.up))) s.",
            do: "nothing is lost, the job runs again; if it lasts, look at the store and its limits.",
            isRetryable: true)
    }
}
