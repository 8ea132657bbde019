import Crypto
import Foundation

/// AWS Signature Version 4 for S3, payload in one piece: a pure function of request, credentials and time.
///
/// Source: AWS, "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)", steps 1 to 3.
/// The tests hold it to the examples printed there and to botocore's signatures.
package struct SignatureV4: Sendable {
    /// What is signed of a request.
    package struct Input: Sendable {
        package var method: String
        /// The path as it stands in the URL, percent-encoded.
        package var path: String
        /// The query as it stands in the URL, from ``PercentEncoding/query(_:)``; empty for none.
        package var query: String
        /// Every header that shall be covered; `host` among them, the three this function makes not.
        package var headers: [(name: String, value: String)]
        /// The body's SHA-256 in hexadecimal.
        package var payloadSHA256: String

        package init(
            method: String, path: String, query: String, headers: [(name: String, value: String)],
            payloadSHA256: String
        ) {
            self.method = method
            self.path = path
            self.query = query
            self.headers = headers
            self.payloadSHA256 = payloadSHA256
        }
    }

    /// What is added to a request, and what it was derived from.
    package struct Output: Sendable {
        package let canonicalRequest: String
        package let stringToSign: String
        /// `x-amz-content-sha256`, `x-amz-date`, `x-amz-security-token` for temporary credentials, `Authorization`.
        package let headers: [(name: String, value: String)]
    }

    let credentials: StoreCredentials
    let region: String
    private let service = "s3"

    package init(credentials: StoreCredentials, region: String) {
        self.credentials = credentials
        self.region = region
    }

    /// Signs for a time in seconds since 1970, UTC.
    package func sign(_ input: Input, at epochSeconds: Int) -> Output {
        let time = Self.timestamp(epochSeconds)
        let day = String(time.prefix(8))
        var added = [(name: "x-amz-content-sha256", value: input.payloadSHA256), (name: "x-amz-date", value: time)]
        if let token = credentials.sessionToken { added.append((name: "x-amz-security-token", value: token)) }
        let covered = (input.headers + added)
            .map { (name: $0.name.lowercased(), value: Self.collapsed($0.value)) }
            .sorted { $0.name < $1.name }
        let names = covered.map(\.name).joined(separator: ";")
        let canonicalRequest = [
            input.method, input.path, input.query, covered.map { "\($0.name):\($0.value)\n" }.joined(), names,
            input.payloadSHA256,
        ].joined(separator: "\n")
        let scope = "\(day)/\(region)/\(service)/aws4_request"
        let digest = Digest.sha256(Array(canonicalRequest.utf8))
        let stringToSign = "AWS4-HMAC-SHA256\n\(time)\n\(scope)\n\(digest)"
        let signature = Digest.hexadecimal(Self.code(signingKey(day), stringToSign))
        let authorization =
            "AWS4-HMAC-SHA256 Credential=\(credentials.accessKeyID)/\(scope), SignedHeaders=\(names), "
            + "Signature=\(signature)"
        return Output(
            canonicalRequest: canonicalRequest, stringToSign: stringToSign,
            headers: added + [(name: "Authorization", value: authorization)])
    }

    /// The key of one day, region and service: HMACs chained from the secret.
    private func signingKey(_ day: String) -> [UInt8] {
        [day, region, service, "aws4_request"].reduce(Array("AWS4\(credentials.secretAccessKey)".utf8)) {
            Self.code($0, $1)
        }
    }

    private static func code(_ key: [UInt8], _ text: String) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: SymmetricKey(data: key)))
    }

    /// Outer space removed, runs of spaces made one.
    private static func collapsed(_ value: String) -> String {
        value.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
    }

    /// `YYYYMMDD'T'HHMMSS'Z'`. The civil date of a day count after H. Hinnant, "chrono-Compatible Low-Level Date
    /// Algorithms", `civil_from_days`: no calendar, locale or time zone is asked.
    package static func timestamp(_ epochSeconds: Int) -> String {
        let day = epochSeconds / 86_400
        let second = epochSeconds % 86_400
        let shifted = day + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let march = (5 * dayOfYear + 2) / 153
        let month = march < 10 ? march + 3 : march - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let dayOfMonth = dayOfYear - (153 * march + 2) / 5 + 1
        func padded(_ number: Int, _ width: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        return padded(year, 4) + padded(month, 2) + padded(dayOfMonth, 2) + "T" + padded(second / 3600, 2)
            + padded(second / 60 % 60, 2) + padded(second % 60, 2) + "Z"
    }
}
