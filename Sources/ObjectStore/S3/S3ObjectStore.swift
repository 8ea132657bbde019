public import HTTPTransfer
public import Problem

/// Objects in one bucket of S3 or of a server that speaks its protocol.
///
/// Each request is signed here (``SignatureV4``) with the real SHA-256 of its body, so that the server refuses bytes
/// that changed on the way; `If-None-Match: *` lets one of several writers of a key win. Requests are repeated by
/// ``StoreRetryPolicy``; all of them may be, because keys are never used twice.
public struct S3ObjectStore: ObjectStore {
    private static let digestHeader = "x-amz-meta-sha256"
    private let client: S3Client

    /// Makes a store; nothing is sent. Throws ``Problem`` `bad_setting`.
    public init(
        _ configuration: S3Configuration, credentials: CredentialSource, exchange: any HTTPExchanging,
        clock: StoreClock = .system
    ) throws(Problem) {
        client = try S3Client(configuration, credentials, exchange, clock)
    }

    /// Stores the bytes; see ``ObjectStore/put(_:at:sha256:)``.
    public func put(_ bytes: [UInt8], at key: ObjectKey, sha256: String) async throws {
        try StoreProblem.check(bytes, sha256, client.location(key))
        var request = S3Client.Request(method: .put, key: key, body: bytes, sha256: sha256)
        request.headers = [
            (name: "content-type", value: "application/octet-stream"), (name: Self.digestHeader, value: sha256),
        ]
        if client.configuration.conditionalPut {
            request.headers.append((name: "if-none-match", value: "*"))
        } else if try await holds(key, sha256) {
            return
        }
        let answer = try await client.send(request)
        switch answer.response.status {
        case 200..<300: return
        // The key is taken: perhaps by an earlier try of ours whose reply was lost.
        case 412:
            guard try await holds(key, sha256) else {
                // Removed between the two requests, which only a collector of orphans does.
                throw S3Failure.unavailable(
                    "PUT", "412 and then no object", tries: 1, seconds: 0, at: client.location(key))
            }
        default: throw problem(.put, key, answer)
        }
    }

    /// Whether the key holds these bytes already; throws `object_exists` when it holds others.
    private func holds(_ key: ObjectKey, _ sha256: String) async throws -> Bool {
        guard let found = try await head(key) else { return false }
        // An object that other software put has no recorded digest: its bytes decide.
        let digest: String
        if let recorded = found.sha256 { digest = recorded } else { digest = Digest.sha256(try await get(key)) }
        guard digest == sha256 else { throw StoreProblem.exists(client.location(key)) }
        return true
    }

    /// Reads bytes; see ``ObjectStore/get(_:range:)``.
    public func get(_ key: ObjectKey, range: Range<Int>?) async throws -> [UInt8] {
        precondition(range.map { !$0.isEmpty && $0.lowerBound >= 0 } ?? true, "a range of bytes is not empty")
        var request = S3Client.Request(method: .get, key: key)
        request.responseByteLimit = client.configuration.objectByteLimit
        if let range {
            request.headers = [(name: "range", value: "bytes=\(range.lowerBound)-\(range.upperBound - 1)")]
            // Room for an error document even where few bytes are wanted.
            request.responseByteLimit = max(range.count, 64 << 10)
        }
        let answer = try await client.send(request)
        let body = answer.response.body
        switch (answer.response.status, range) {
        case (200, nil): return body
        case (206, let range?):
            guard body.count == range.count else {
                throw StoreProblem.range(client.location(key), range, "\(body.count) bytes came")
            }
            return body
        case (416, let range?): throw StoreProblem.range(client.location(key), range, "the object is smaller")
        default: throw problem(.get, key, answer)
        }
    }

    /// Describes an object; see ``ObjectStore/head(_:)``. A bucket that is not there looks like a missing object: a
    /// HEAD has no body that could tell.
    public func head(_ key: ObjectKey) async throws -> ObjectDescription? {
        let answer = try await client.send(S3Client.Request(method: .head, key: key))
        let headers = answer.response.headers
        switch answer.response.status {
        case 200:
            guard let size = headers["Content-Length"].flatMap(Int.init) else { throw problem(.head, key, answer) }
            return ObjectDescription(key: key, byteCount: size, sha256: headers[Self.digestHeader])
        case 404: return nil
        default: throw problem(.head, key, answer)
        }
    }

    /// Removes an object; see ``ObjectStore/delete(_:)``.
    public func delete(_ key: ObjectKey) async throws {
        let answer = try await client.send(S3Client.Request(method: .delete, key: key))
        let isGone = answer.response.status == 404 && !S3Failure("DELETE", answer.response).isMissingBucket
        guard answer.response.status < 300 || isGone else { throw problem(.delete, key, answer) }
    }

    /// Lists objects; see ``ObjectStore/list(prefix:after:limit:)``.
    public func list(prefix: String, after: String?, limit: Int) async throws -> [ObjectDescription] {
        precondition((1...1000).contains(limit), "a page has 1 to 1000 objects")
        var found: [ObjectDescription] = []
        var token: String?
        repeat {
            var request = S3Client.Request(method: .get)
            // Keys come percent-encoded: XML cannot hold every character a key may have.
            request.query = [
                (name: "list-type", value: "2"), (name: "encoding-type", value: "url"),
                (name: "max-keys", value: "\(limit - found.count)"), (name: "prefix", value: prefix),
            ]
            if let token {
                request.query.append((name: "continuation-token", value: token))
            } else if let after, !after.isEmpty {
                request.query.append((name: "start-after", value: after))
            }
            let answer = try await client.send(request)
            guard answer.response.status == 200, let page = try S3ListPage(answer.response.body) else {
                throw problem(.get, nil, answer)
            }
            found += page.objects
            // A server may end a page early; only it knows whether more follows.
            token = page.continuation
        } while token != nil && found.count < limit
        return found
    }

    /// Makes the bucket where it is not there and ours.
    public func createBucket() async throws {
        var request = S3Client.Request(method: .put)
        let configuration = client.configuration
        if configuration.endpoint == nil && configuration.region != "us-east-1" {
            request.body = Array(
                ("<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>"
                    + "\(configuration.region)</LocationConstraint></CreateBucketConfiguration>").utf8)
        }
        let answer = try await client.send(request)
        let isOurs = S3Failure("PUT", answer.response).code == "BucketAlreadyOwnedByYou"
        guard answer.response.status < 300 || isOurs else { throw problem(.put, nil, answer) }
    }

    private func problem(_ method: HTTPRequest.Method, _ key: ObjectKey?, _ answer: S3Client.Answer) -> Problem {
        let failure = S3Failure(method.rawValue, answer.response)
        if failure.status == 404, let key, !failure.isMissingBucket {
            return StoreProblem.missing(client.location(key))
        }
        return failure.problem(at: client.location(key), client.configuration, answer.credentials)
    }
}

/// One page of a ListObjectsV2 answer.
struct S3ListPage {
    let objects: [ObjectDescription]
    /// Set when more follows.
    let continuation: String?

    /// Reads the document; nil when it is no such page. Keys that are no ``ObjectKey`` are left out.
    init?(_ document: [UInt8]) throws {
        guard let root = XMLElement.parse(document), root.name == "ListBucketResult" else { return nil }
        var objects: [ObjectDescription] = []
        for entry in root.children where entry.name == "Contents" {
            guard let encoded = entry["Key"]?.text, let key = PercentEncoding.decode(encoded),
                let size = entry["Size"].flatMap({ Int($0.text) })
            else { return nil }
            guard ObjectKey.isKey(key) else { continue }
            objects.append(ObjectDescription(key: try ObjectKey(key), byteCount: size))
        }
        self.objects = objects
        guard root["IsTruncated"]?.text == "true" else {
            continuation = nil
            return
        }
        guard let token = root["NextContinuationToken"]?.text, !token.isEmpty else { return nil }
        continuation = token
    }
}
