import HTTPTransfer
import Problem
import Synchronization

/// Signs, sends and repeats requests to one bucket; knows nothing of what they mean.
final class S3Client: Sendable {
    /// One request before it is signed. `key` nil asks the bucket itself.
    struct Request {
        var method: HTTPRequest.Method
        var key: ObjectKey?
        var query: [(name: String, value: String)] = []
        var headers: [(name: String, value: String)] = []
        var body: [UInt8] = []
        /// Of `body`; computed when nil.
        var sha256: String?
        var responseByteLimit = 4 << 20
    }

    /// A response, and the credentials it was asked with, for the wording of a failure.
    struct Answer {
        let response: HTTPResponse
        let credentials: StoreCredentials
    }

    let configuration: S3Configuration
    private let source: CredentialSource
    private let exchange: any HTTPExchanging
    private let clock: StoreClock
    private let cached = Mutex<StoreCredentials?>(nil)

    init(
        _ configuration: S3Configuration, _ source: CredentialSource, _ exchange: any HTTPExchanging,
        _ clock: StoreClock
    ) throws(Problem) {
        try configuration.validate()
        self.configuration = configuration
        self.source = source
        self.exchange = exchange
        self.clock = clock
    }

    /// `s3://bucket/key`.
    func location(_ key: ObjectKey?) -> String { "s3://\(configuration.bucket)\(key.map { "/\($0)" } ?? "")" }

    /// Sends until an answer comes that repeating would not change, or the policy ends. The answer may be a failure.
    ///
    /// Throws ``Problem`` `store_unavailable` after the last try, the transfer's own problem where repeating is of no
    /// use (an untrusted certificate), and `CancellationError`.
    func send(_ request: Request) async throws -> Answer {
        let sha256 = request.sha256 ?? Digest.sha256(request.body)
        let began = clock.now()
        var tries = 0
        var refreshed = false
        while true {
            let credentials = try currentCredentials()
            tries += 1
            let reason: String
            var serverSeconds: Double?
            do {
                let response = try await exchange.exchange(signed(request, sha256, credentials))
                if response.status < 300 { return Answer(response: response, credentials: credentials) }
                let failure = S3Failure(request.method.rawValue, response)
                if failure.asksForFreshCredentials && !refreshed, try reload(differentFrom: credentials) {
                    refreshed = true
                    continue
                }
                guard failure.isRetryable else { return Answer(response: response, credentials: credentials) }
                (reason, serverSeconds) = (failure.summary, failure.serverSeconds)
            } catch let error as TransferError {
                if error.code == .cancelled { throw CancellationError() }
                guard error.isRetryable else { throw error.problem }
                reason = "\(error.code)"
            }
            let elapsed = clock.now() - began
            let policy = configuration.retry
            let delay = policy.delaySeconds(afterTry: tries, random: clock.random(), serverSeconds: serverSeconds)
            guard tries < policy.maximumTries, elapsed + delay <= policy.totalSeconds else {
                throw S3Failure.unavailable(
                    request.method.rawValue, reason, tries: tries, seconds: elapsed, at: location(request.key))
            }
            try await clock.sleep(delay)
        }
    }

    /// The request with its URL and signature, both made of the same encoded strings.
    private func signed(_ request: Request, _ sha256: String, _ credentials: StoreCredentials) -> HTTPRequest {
        let key = request.key.map { "/" + PercentEncoding.encode($0.string, keepingSlashes: true) }
        let path = configuration.pathPrefix + (key ?? (configuration.pathPrefix.isEmpty ? "/" : ""))
        let query = PercentEncoding.query(request.query)
        let headers = [(name: "host", value: configuration.authority)] + request.headers
        let signature = SignatureV4(credentials: credentials, region: configuration.region).sign(
            SignatureV4.Input(
                method: request.method.rawValue, path: path, query: query, headers: headers, payloadSHA256: sha256),
            at: Int(clock.now()))
        var fields = HTTPHeaders()
        for (name, value) in headers + signature.headers { fields.append(name, value) }
        return HTTPRequest(
            request.method, configuration.origin + path + (query.isEmpty ? "" : "?\(query)"), headers: fields,
            body: request.body, responseByteLimit: request.responseByteLimit)
    }

    private func currentCredentials() throws -> StoreCredentials {
        if let known = cached.withLock({ $0 }) { return known }
        let loaded = try source.load()
        cached.withLock { $0 = loaded }
        return loaded
    }

    /// Asks the source again; whether it gave something new.
    private func reload(differentFrom old: StoreCredentials) throws -> Bool {
        let loaded = try source.load()
        cached.withLock { $0 = loaded }
        return loaded != old
    }
}
