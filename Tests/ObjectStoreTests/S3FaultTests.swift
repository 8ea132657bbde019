import Foundation
import HTTPTransfer
import ObjectStore
import Problem
import Synchronization
import TestSupport
import Testing

/// What the store does when the network or the server misbehaves: over real sockets, with waits that take no time.
@Suite(.timeLimit(.minutes(1))) struct S3FaultTests {
    static let credentials = StoreCredentials(accessKeyID: "AKIAEXAMPLEKEY7Q", secretAccessKey: "very-secret")

    /// Notes waits instead of waiting, and lets its time pass by them.
    final class FakeClock: Sendable {
        let waits = Mutex<[Double]>([])
        var clock: StoreClock {
            StoreClock(
                now: { 1_369_353_600 + self.waits.withLock { $0.reduce(0, +) } },
                sleep: { seconds in self.waits.withLock { $0.append(seconds) } }, random: { 0.5 })
        }
    }

    /// Answers with the scripted replies in turn, the last one for ever.
    static func scripted(_ replies: [LoopbackServer.Reply]) throws -> LoopbackServer {
        let position = Mutex(0)
        return try LoopbackServer { _ in
            position.withLock { position in
                defer { position += 1 }
                return replies[min(position, replies.count - 1)]
            }
        }
    }

    static func xml(_ status: Int, _ code: String, headers: [String: String] = [:]) -> LoopbackServer.Reply {
        .respond(
            status, headers: headers,
            body: Array("<?xml version=\"1.0\"?>\n<Error><Code>\(code)</Code><Message>no</Message></Error>".utf8))
    }

    private func store(
        _ server: LoopbackServer, _ clock: FakeClock = FakeClock(), source: CredentialSource? = nil
    ) throws -> S3ObjectStore {
        try S3ObjectStore(
            S3Configuration(bucket: "bucket", region: "us-east-1", endpoint: server.origin),
            credentials: source ?? .fixed(Self.credentials), exchange: TransferPool(), clock: clock.clock)
    }

    private func put(_ store: S3ObjectStore) async throws {
        try await store.put([1, 2], at: ObjectKey("a/b"), sha256: Digest.sha256([1, 2]))
    }

    @Test("overload, resets and closed connections are waited out with growing waits, and then the put succeeds")
    func recovers() async throws {
        // On a kept connection libcurl itself would send again at once what was closed without a byte.
        let server = try Self.scripted([
            Self.xml(503, "SlowDown", headers: ["Connection": "close"]), .reset,
            .respond(500, headers: ["Connection": "close"]), .close, .respond(200),
        ])
        defer { server.stop() }
        let clock = FakeClock()
        try await put(store(server, clock))
        #expect(server.requests.count == 5)
        #expect(server.requests.allSatisfy { $0.body == [1, 2] && $0.target == "/bucket/a/b" })
        let waits = clock.waits.withLock { $0 }
        // Half of 0.2, 0.4, 0.8, 1.6 for certain and half by a random number of 0.5.
        #expect(zip(waits, [0.15, 0.3, 0.6, 1.2]).allSatisfy { abs($0 - $1) < 1e-9 } && waits.count == 4)
    }

    @Test("a server that stays overloaded is given up with method, status, code, tries and time")
    func unavailable() async throws {
        let server = try Self.scripted([Self.xml(503, "SlowDown", headers: ["Retry-After": "5"])])
        defer { server.stop() }
        await #expect {
            try await put(store(server))
        } throws: { error in
            // Four waits of 5 s and the random part: 0.05, 0.1, 0.2, 0.4.
            String(describing: error) == """
                error: s3://bucket/a/b: store_unavailable: PUT 503 SlowDown, 5 tries in 21 s.
                  do: nothing is lost, the job runs again; if it lasts, look at the store and its limits.
                """ && (error as? Problem)?.isRetryable == true
        }
        #expect(server.requests.count == 5)
    }

    @Test("no further try is begun after the time limit, however many are allowed")
    func totalTime() async throws {
        let server = try Self.scripted([.respond(503, headers: ["Retry-After": "9"])])
        defer { server.stop() }
        var configuration = S3Configuration(bucket: "bucket", region: "us-east-1", endpoint: server.origin)
        configuration.retry.maximumTries = 100
        configuration.retry.totalSeconds = 30
        let store = try S3ObjectStore(
            configuration, credentials: .fixed(Self.credentials), exchange: TransferPool(), clock: FakeClock().clock)
        #expect(await errorClass { try await put(store) } == "store_unavailable")
        #expect(server.requests.count == 4, "at 0, 9.1, 18.2 and 27.6 s")
    }

    @Test("an address where nobody listens is unavailable and names the reason")
    func unreachable() async throws {
        let server = try Self.scripted([.close])
        server.stop()
        await #expect {
            try await put(store(server))
        } throws: { error in
            (error as? Problem)?.reason.hasPrefix("PUT host_unreachable, 5 tries") == true
        }
    }

    @Test(
        "what repeating cannot change is reported at once, by its class",
        arguments: [
            (403, "SignatureDoesNotMatch", "store_denied"), (403, "AccessDenied", "store_denied"),
            (401, "", "store_denied"), (403, "RequestTimeTooSkewed", "store_clock_skew"),
            (403, "QuotaExceeded", "store_full"), (507, "", "store_full"), (404, "NoSuchBucket", "bucket_missing"),
            (404, "NoSuchKey", "object_missing"), (301, "PermanentRedirect", "store_region"),
            (400, "AuthorizationHeaderMalformed", "store_region"), (400, "InvalidArgument", "store_refused"),
            (501, "NotImplemented", "store_refused"), (416, "InvalidRange", "range_not_satisfiable"),
        ])
    func permanent(status: Int, code: String, expected: String) async throws {
        let server = try Self.scripted([Self.xml(status, code)])
        defer { server.stop() }
        let store = try store(server)
        await #expect {
            _ = try await store.get(ObjectKey("a"), range: 0..<10)
        } throws: { error in
            (error as? Problem)?.errorClass == expected && !"\(error)".contains("very-secret")
        }
        #expect(server.requests.count == 1)
        #expect(server.requests.first?.header("Range") == "bytes=0-9")
    }

    @Test("a denied request names the key's ends, the region and what to check")
    func deniedText() async throws {
        let server = try Self.scripted([Self.xml(403, "SignatureDoesNotMatch")])
        defer { server.stop() }
        await #expect {
            try await put(store(server))
        } throws: { error in
            String(describing: error) == """
                error: s3://bucket: store_denied: 403 SignatureDoesNotMatch (key AKIA…7Q, region us-east-1).
                  do: check AWS_SECRET_ACCESS_KEY or the profile, and the region.
                """
        }
    }

    @Test("credentials that expired are read again once, and the request repeated with the new ones")
    func rotation() async throws {
        let server = try Self.scripted([Self.xml(400, "ExpiredToken"), .respond(200)])
        defer { server.stop() }
        let loads = Mutex(0)
        let source = CredentialSource {
            let number = loads.withLock { loads in
                loads += 1
                return loads
            }
            return StoreCredentials(
                accessKeyID: "KEY\(number)", secretAccessKey: "s", sessionToken: number == 2 ? "token" : nil)
        }
        try await put(store(server, source: source))
        let keys = server.requests.map { $0.header("Authorization")?.contains("Credential=KEY2/") }
        #expect(keys == [false, true])
        #expect(server.requests.last?.header("x-amz-security-token") == "token")

        let stale = try Self.scripted([Self.xml(403, "InvalidAccessKeyId")])
        defer { stale.stop() }
        #expect(await errorClass { try await put(store(stale)) } == "store_denied")
        #expect(stale.requests.count == 1, "the same credentials again are not tried again")
    }

    @Test("a put whose first reply was lost finds its own object and succeeds; another's object is a conflict")
    func lostReply() async throws {
        let own = try Self.scripted([
            .close, Self.xml(412, "PreconditionFailed"),
            .respond(200, headers: ["x-amz-meta-sha256": Digest.sha256([1, 2]), "Content-Length": "2"]),
        ])
        defer { own.stop() }
        try await put(store(own))
        #expect(own.requests.map(\.method) == ["PUT", "PUT", "HEAD"])
        #expect(own.requests.first?.header("If-None-Match") == "*")

        let other = try Self.scripted([
            Self.xml(412, "PreconditionFailed"),
            .respond(200, headers: ["x-amz-meta-sha256": Digest.sha256([3]), "Content-Length": "1"]),
        ])
        defer { other.stop() }
        #expect(await errorClass { try await put(store(other)) } == "object_exists")

        let unmarked = try Self.scripted([
            Self.xml(412, "PreconditionFailed"), .respond(200, headers: ["Content-Length": "2"]),
            .respond(200, body: [1, 2]),
        ])
        defer { unmarked.stop() }
        try await put(store(unmarked))
    }

    @Test("a listing goes on where the server ended a page early, and odd keys come decoded")
    func earlyPages() async throws {
        func page(_ keys: [String], token: String?) -> LoopbackServer.Reply {
            let contents = keys.map { "<Contents><Key>\($0)</Key><Size>3</Size></Contents>" }.joined()
            let tail =
                token.map { "<IsTruncated>true</IsTruncated><NextContinuationToken>\($0)</NextContinuationToken>" }
                ?? "<IsTruncated>false</IsTruncated>"
            return .respond(
                200,
                body: Array("<ListBucketResult xmlns=\"http://s3\">\(tail)\(contents)</ListBucketResult>".utf8))
        }
        let server = try Self.scripted([
            page(["a%2Bb", "folder%2F"], token: "t&amp;1"), page([], token: "t2"), page(["c+d"], token: nil),
        ])
        defer { server.stop() }
        let found = try await store(server).list(prefix: "p q", after: "a", limit: 10)
        #expect(found.map(\.key.string) == ["a+b", "c d"])
        let targets = server.requests.map(\.target)
        #expect(targets[0] == "/bucket?encoding-type=url&list-type=2&max-keys=10&prefix=p%20q&start-after=a")
        #expect(targets[1].contains("continuation-token=t%261") && targets[1].contains("max-keys=9"))
        #expect(targets[2].contains("continuation-token=t2"))
    }

    @Test("a reply that is no listing, or a page of HTML, is refused and not shown")
    func nonsense() async throws {
        for body in ["", "<html>secret page</html>", "<ListBucketResult>", "<a><b></a></b>"] {
            let server = try Self.scripted([.respond(200, body: Array(body.utf8))])
            defer { server.stop() }
            await #expect {
                _ = try await store(server).list(prefix: "", after: nil, limit: 1)
            } throws: { error in
                (error as? Problem)?.errorClass == "store_refused" && !"\(error)".contains("secret page")
            }
        }
    }

    @Test("a ranged get that a server answers with other bytes than asked is refused")
    func wrongRange() async throws {
        let short = try Self.scripted([.respond(206, body: [1, 2, 3])])
        defer { short.stop() }
        #expect(
            await errorClass { _ = try await store(short).get(ObjectKey("a"), range: 0..<10) }
                == "range_not_satisfiable")
        let whole = try Self.scripted([.respond(200, body: [UInt8](repeating: 1, count: 100))])
        defer { whole.stop() }
        #expect(await errorClass { _ = try await store(whole).get(ObjectKey("a"), range: 0..<10) } == "store_refused")
    }

    @Test("a cancelled task stops at once, also while it waits to try again")
    func cancellation() async throws {
        let server = try Self.scripted([.respond(503)])
        defer { server.stop() }
        let clock = StoreClock(now: { 0 }, sleep: { _ in try await Task.sleep(for: .seconds(3600)) }, random: { 0 })
        let store = try S3ObjectStore(
            S3Configuration(bucket: "bucket", region: "us-east-1", endpoint: server.origin),
            credentials: .fixed(Self.credentials), exchange: TransferPool(), clock: clock)
        let task = Task { try await put(store) }
        while server.requests.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}
