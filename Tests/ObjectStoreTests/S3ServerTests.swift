import Foundation
import HTTPTransfer
import ObjectStore
import Problem
import Testing

/// Against a real S3 server. Set ATTUNE_TEST_S3 to its address, and AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to
/// credentials that may make buckets; unset, these tests are skipped.
@Suite(.enabled(if: S3Server.address != nil, "set ATTUNE_TEST_S3 to an S3 server's address"), .timeLimit(.minutes(2)))
struct S3ServerTests {
    @Test("the store on S3 does what every store must")
    func conformance() async throws {
        let server = try S3Server()
        let store = try await server.store()
        try await Conformance(store: store, prefix: UUID().uuidString).run()
    }

    @Test("a server that ignores conditions on a put is asked first, and the store keeps its promise but for races")
    func unconditional() async throws {
        let server = try S3Server()
        var configuration = server.configuration
        configuration.conditionalPut = false
        let store = try await server.store(configuration)
        let key = try ObjectKey("\(UUID().uuidString)/a")
        let bytes = Conformance.sample(100)
        try await store.put(bytes, at: key, sha256: Digest.sha256(bytes))
        try await store.put(bytes, at: key, sha256: Digest.sha256(bytes))
        #expect(await errorClass { try await store.put([1], at: key, sha256: Digest.sha256([1])) } == "object_exists")
    }

    @Test("an object's digest is told without reading it")
    func digest() async throws {
        let server = try S3Server()
        let store = try await server.store()
        let key = try ObjectKey("\(UUID().uuidString)/a")
        let bytes = Conformance.sample(100)
        try await store.put(bytes, at: key, sha256: Digest.sha256(bytes))
        #expect(try await store.head(key)?.sha256 == Digest.sha256(bytes))
    }

    @Test("a wrong secret and an unknown key are denied at once, with the key's ends and no secret in the text")
    func denied() async throws {
        let server = try S3Server()
        for credentials in [
            StoreCredentials(accessKeyID: server.credentials.accessKeyID, secretAccessKey: "wrong-secret"),
            StoreCredentials(accessKeyID: "AKIAUNKNOWNKEY7Q", secretAccessKey: "wrong-secret"),
        ] {
            let store = try S3ObjectStore(
                server.configuration, credentials: .fixed(credentials), exchange: server.pool)
            await #expect {
                try await store.put([1], at: ObjectKey("a"), sha256: Digest.sha256([1]))
            } throws: { error in
                guard let problem = error as? Problem else { return false }
                return problem.errorClass == "store_denied" && problem.reason.hasPrefix("403 ")
                    && problem.reason.contains("region us-east-1") && !problem.description.contains("wrong-secret")
            }
            #expect(await errorClass { _ = try await store.head(ObjectKey("a")) } == "store_denied")
        }
    }

    @Test("a bucket that is not there is named, and can be made, twice")
    func bucket() async throws {
        let server = try S3Server()
        var configuration = server.configuration
        configuration.bucket = "store-absent-\(UUID().uuidString.lowercased())"
        let store = try S3ObjectStore(
            configuration, credentials: .fixed(server.credentials), exchange: server.pool)
        let key = try ObjectKey("a")
        #expect(await errorClass { try await store.put([], at: key, sha256: Digest.sha256([])) } == "bucket_missing")
        #expect(await errorClass { _ = try await store.get(key) } == "bucket_missing")
        #expect(await errorClass { _ = try await store.list(prefix: "", after: nil, limit: 1) } == "bucket_missing")
        #expect(await errorClass { try await store.delete(key) } == "bucket_missing")
        try await store.createBucket()
        try await store.createBucket()
        try await store.put([7], at: key, sha256: Digest.sha256([7]))
        #expect(try await store.get(key) == [7])
        try await store.delete(key)
    }
}

/// The server under test.
struct S3Server {
    static var address: String? { ProcessInfo.processInfo.environment["ATTUNE_TEST_S3"] }

    let credentials: StoreCredentials
    let configuration: S3Configuration
    let pool: TransferPool

    init() throws {
        credentials = try AWSProfile(environment: ProcessInfo.processInfo.environment) { _ in nil }.credentials()
        configuration = S3Configuration(
            bucket: "store-tests", region: "us-east-1", endpoint: Self.address)
        pool = try TransferPool()
    }

    /// A store on a bucket that exists.
    func store(_ configuration: S3Configuration? = nil) async throws -> S3ObjectStore {
        let store = try S3ObjectStore(
            configuration ?? self.configuration, credentials: .fixed(credentials), exchange: pool)
        try await store.createBucket()
        return store
    }
}
