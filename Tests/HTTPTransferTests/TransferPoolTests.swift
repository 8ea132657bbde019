import HTTPTransfer
import Problem
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct TransferPoolTests {
    /// Answers with what it was sent.
    static func echo(_ request: LoopbackServer.Request) -> LoopbackServer.Reply {
        .respond(200, headers: ["X-Method": request.method, "X-Target": request.target], body: request.body)
    }

    @Test("a body arrives as sent and comes back, its length always stated, 0 bytes included")
    func bodies() async throws {
        let server = try LoopbackServer(Self.echo)
        defer { server.stop() }
        let pool = try TransferPool()
        for count in [0, 1, 1000, 8 << 20] {
            let body = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let response = try await pool.exchange(HTTPRequest(.put, server.origin + "/a", body: body))
            #expect(response.status == 200)
            #expect(response.body == body)
            #expect(server.requests.last?.header("Content-Length") == "\(count)")
        }
        #expect(server.requests.allSatisfy { $0.header("Transfer-Encoding") == nil && $0.header("Expect") == nil })
        #expect(server.requests.allSatisfy { $0.header("Content-Type") == nil })
        #expect(server.openedConnections == 1, "one connection is kept and used again")
    }

    @Test("every method is sent by its name, the path and query exactly as written, and headers with them")
    func verbatim() async throws {
        let server = try LoopbackServer(Self.echo)
        defer { server.stop() }
        let pool = try TransferPool()
        let target = "/b/../c/./%2B%20~x//y?z=%2F&a=&uploads"
        for method in [HTTPRequest.Method.get, .head, .put, .post, .delete] {
            let response = try await pool.exchange(
                HTTPRequest(method, server.origin + target, headers: ["X-One": "1", "X-Empty": "", "host": "h:1"]))
            #expect(response.headers["x-METHOD"] == method.rawValue)
            #expect(response.headers["x-target"] == target)
            #expect(response.body == [])
            let seen = try #require(server.requests.last)
            #expect(seen.header("X-One") == "1" && seen.header("X-Empty") == "" && seen.header("Host") == "h:1")
        }
    }

    @Test("any status is a response, a redirect is not followed, and an interim response is dropped")
    func statuses() async throws {
        let server = try LoopbackServer { request in
            request.target == "/interim"
                ? .raw(Array("HTTP/1.1 100 Continue\r\nX-A: 1\r\n\r\nHTTP/1.1 201 Made\r\nX-B:  2 \r\n\r\nok".utf8))
                : .respond(Int(request.target.dropFirst()) ?? 0, headers: ["Location": "/200"])
        }
        defer { server.stop() }
        let pool = try TransferPool()
        for status in [200, 204, 301, 307, 403, 404, 412, 416, 500, 503] {
            #expect(try await pool.exchange(HTTPRequest(.get, "\(server.origin)/\(status)")).status == status)
        }
        let interim = try await pool.exchange(HTTPRequest(.get, server.origin + "/interim"))
        #expect(interim.status == 201 && interim.headers["X-A"] == nil && interim.headers["X-B"] == "2")
        #expect(interim.body == Array("ok".utf8))
    }

    @Test("what the network can do has a class of its own, and says whether to try again")
    func faults() async throws {
        let server = try LoopbackServer { request in
            switch request.target {
            case "/close": .close
            case "/reset": .reset
            case "/half": .raw(Array("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".utf8))
            case "/nonsense": .raw(Array("no HTTP at all\r\n\r\n".utf8))
            case "/large": .respond(200, body: [UInt8](repeating: 1, count: 1001))
            default: .silence
            }
        }
        defer { server.stop() }
        var settings = TransferSettings()
        settings.stallTimeoutSeconds = 1
        let pool = try TransferPool(settings)
        #expect(await code(pool, server.origin + "/close") == .connectionLost)
        #expect(await code(pool, server.origin + "/reset") == .connectionLost)
        #expect(await code(pool, server.origin + "/half") == .connectionLost)
        #expect(await code(pool, server.origin + "/large") == .tooLarge)
        #expect(await code(pool, server.origin + "/silence") == .timedOut)
        #expect(await code(pool, "http://attune.invalid/") == .unresolved)
        #expect(await code(pool, "file:///etc/hosts") == .malformed)
        #expect(await code(pool, "http://[broken/") == .malformed)
        let nonsense = await code(pool, server.origin + "/nonsense")
        #expect(nonsense == .connectionLost || nonsense == .malformed, "HTTP/0.9 is not accepted")
        server.stop()
        #expect(await code(pool, server.origin + "/") == .unreachable)
        #expect(TransferError(.timedOut, origin: "", "").isRetryable)
        #expect(!TransferError(.untrusted, origin: "", "").isRetryable)
    }

    @Test("an error shows the origin and never the path, query or user")
    func secretsStayOut() async throws {
        let pool = try TransferPool()
        let error = await error(pool, "http://user:secret@127.0.0.1:1/hidden?X-Amz-Signature=secret")
        let text = try #require(error).description
        #expect(text.hasPrefix("error: http://127.0.0.1:1: host_unreachable: "))
        #expect(!text.contains("secret") && !text.contains("hidden") && !text.contains("user"))
    }

    @Test("a header with a line break is refused before anything is sent")
    func headerInjection() async throws {
        let server = try LoopbackServer(Self.echo)
        defer { server.stop() }
        let pool = try TransferPool()
        await #expect {
            _ = try await pool.exchange(HTTPRequest(.get, server.origin, headers: ["X-A": "1\r\nX-B: 2"]))
        } throws: {
            ($0 as? TransferError)?.code == .malformed
        }
        #expect(server.requests.isEmpty)
    }

    @Test("exchanges beyond the limit wait their turn; all succeed and no more connections are opened")
    func bounded() async throws {
        let server = try LoopbackServer(Self.echo)
        defer { server.stop() }
        var settings = TransferSettings()
        settings.concurrency = 3
        let pool = try TransferPool(settings)
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for index in 0..<60 {
                group.addTask {
                    let body = Array("\(index)".utf8)
                    return try await pool.exchange(HTTPRequest(.put, server.origin, body: body)).body == body ? 1 : 0
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(sum == 60)
        #expect(server.openedConnections <= 3)
    }

    @Test("a cancelled task stops waiting for a handle at once, and one under way within seconds")
    func cancellation() async throws {
        let server = try LoopbackServer { _ in .silence }
        defer { server.stop() }
        var settings = TransferSettings()
        settings.concurrency = 1
        let pool = try TransferPool(settings)
        let working = Task { await self.code(pool, server.origin + "/working") }
        while server.requests.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        let waiting = Task { await self.code(pool, server.origin + "/waiting") }
        waiting.cancel()
        #expect(await waiting.value == .cancelled)
        working.cancel()
        #expect(await working.value == .cancelled)
        #expect(server.requests.count == 1)
    }

    @Test("settings out of range are named")
    func settings() {
        var settings = TransferSettings()
        settings.concurrency = 0
        #expect(throws: Problem.self) { try settings.validate() }
        settings = TransferSettings()
        settings.totalTimeoutSeconds = 1
        #expect(throws: Problem.self) { _ = try TransferPool(settings) }
    }

    private func error(_ pool: TransferPool, _ url: String) async -> TransferError? {
        do throws(TransferError) {
            _ = try await pool.exchange(HTTPRequest(.get, url, responseByteLimit: 1000))
            return nil
        } catch {
            return error
        }
    }

    private func code(_ pool: TransferPool, _ url: String) async -> TransferError.Code? {
        await error(pool, url)?.code
    }
}
