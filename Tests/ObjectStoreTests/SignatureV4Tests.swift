import Foundation
import ObjectStore
import Testing

@Suite struct SignatureV4Tests {
    /// AWS, "Signature Calculations for the Authorization Header: Transferring Payload in a Single Chunk", examples:
    /// bucket `examplebucket` by host, 24 May 2013, us-east-1.
    @Test(
        "the examples that AWS prints have the signatures that AWS prints",
        arguments: [
            (
                "GET", "/test.txt", "", [("range", "bytes=0-9")], "",
                "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
            ),
            (
                "PUT", "/test%24file.text", "",
                [("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
                "Welcome to Amazon S3.", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
            ),
            (
                "GET", "/", "lifecycle=", [], "", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
            ),
            (
                "GET", "/", "max-keys=2&prefix=J", [], "",
                "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
            ),
        ] as [(String, String, String, [(String, String)], String, String)])
    func published(
        method: String, path: String, query: String, headers: [(String, String)], body: String, signature: String
    ) {
        let signer = SignatureV4(
            credentials: StoreCredentials(
                accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            region: "us-east-1")
        let output = signer.sign(
            SignatureV4.Input(
                method: method, path: path, query: query,
                headers: [("host", "examplebucket.s3.amazonaws.com")] + headers,
                payloadSHA256: Digest.sha256(Array(body.utf8))),
            at: 1_369_353_600)
        #expect(output.headers.last?.value.hasSuffix("Signature=\(signature)") == true, "\(output.canonicalRequest)")
    }

    /// See `Fixtures/make_sigv4_vectors.py`.
    struct Vector: Decodable, Sendable {
        let method, host, sha256, region, access, secret, authorization: String
        let key, token: String?
        let query, headers: [[String]]
        let time: Int
    }

    @Test("odd keys, queries, headers, tokens and days are signed as botocore signs them")
    func botocore() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "Fixtures/sigv4_vectors.json")
        let vectors = try JSONDecoder().decode([Vector].self, from: Data(contentsOf: file))
        #expect(vectors.count == 21)
        for vector in vectors {
            let signer = SignatureV4(
                credentials: StoreCredentials(
                    accessKeyID: vector.access, secretAccessKey: vector.secret, sessionToken: vector.token),
                region: vector.region)
            let output = signer.sign(
                SignatureV4.Input(
                    method: vector.method,
                    path: "/bucket"
                        + (vector.key.map { "/" + PercentEncoding.encode($0, keepingSlashes: true) } ?? ""),
                    query: PercentEncoding.query(vector.query.map { (name: $0[0], value: $0[1]) }),
                    headers: [(name: "host", value: vector.host)]
                        + vector.headers.map { (name: $0[0], value: $0[1]) },
                    payloadSHA256: vector.sha256),
                at: vector.time)
            #expect(output.headers.last?.value == vector.authorization, "\(output.canonicalRequest)")
        }
    }

    @Test("times are written in UTC through leap years and the end of a century")
    func timestamps() {
        let cases = [
            (0, "19700101T000000Z"), (951_782_400, "20000229T000000Z"), (1_709_251_199, "20240229T235959Z"),
            (1_772_323_199, "20260228T235959Z"), (1_772_323_200, "20260301T000000Z"),
            (4_107_542_400, "21000301T000000Z"),
        ]
        for (seconds, text) in cases { #expect(SignatureV4.timestamp(seconds) == text) }
    }

    @Test("what is encoded decodes to itself, and what is no encoding is refused")
    func percentEncoding() {
        for text in ["", "a/b c+d", "ünï🙂%", "~-_.", "\u{7F}"] {
            #expect(PercentEncoding.decode(PercentEncoding.encode(text)) == text)
        }
        #expect(PercentEncoding.encode("a/b", keepingSlashes: true) == "a/b")
        #expect(PercentEncoding.encode("a/b") == "a%2Fb")
        #expect(PercentEncoding.decode("a+b%20c") == "a b c")
        for bad in ["%", "%4", "%zz", "%+1", "%FF"] { #expect(PercentEncoding.decode(bad) == nil, "\(bad)") }
    }

    @Test("no way of printing credentials shows the secret or the token")
    func redaction() {
        let credentials = StoreCredentials(
            accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "SECRET", sessionToken: "TOKEN")
        var dumped = ""
        dump(credentials, to: &dumped)
        for text in ["\(credentials)", String(reflecting: credentials), "\([credentials])", dumped] {
            #expect(text.contains("AKIA…LE"))
            #expect(!text.contains("SECRET") && !text.contains("TOKEN"))
        }
    }
}
