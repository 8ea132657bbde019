import Foundation
import Postgres
import QueueModel
import Schema
import Testing

import Queue

/// The model's steps, taken in PostgreSQL, and what stands there in the model's terms.
///
/// A value: it knows which row each thing of the model is, and what workers and late calls hold. Copying it and setting
/// a savepoint lets one try every way on from a state.
struct ModelBridge: Sendable {
    let tenant: String
    let tenantID: Int32
    let bases: [Int32]
    var users: [Int64] = []
    var jobs: [Int64] = []
    var chunks: [Int64] = []
    var workers: [Int64] = []
    var revisions: [Int64] = []
    var keys: [String] = []
    var grips: [UInt8: [ClaimedChunk]] = [:]
    /// What the model's late calls are; nil for those that no caller has.
    var late: [Delivery?] = []

    /// What a step's call said.
    enum Reply: Sendable {
        case nothing
        case ids([Int64])
        case claimed([ClaimedChunk])
        case published(PublishReport)
    }

    /// Makes a tenant of its own, with both bases and their recipes.
    init(_ connection: Connection, tenant: String) async throws {
        self.tenant = tenant
        func run(_ sql: String) async throws -> Rows {
            try await connection.execute(Statement(name: sql, text: sql), [.text(tenant)])
        }
        _ = try await run("SELECT attune.create_tenant($1)")
        _ = try await run("SELECT attune.promote($1, 'first')")
        _ = try await run("SELECT attune.activate_recipe($1, r.digest) FROM attune.recipe r WHERE r.name = 'r1'")
        tenantID = try await run("SELECT tenant_id FROM attune.tenant WHERE name = $1").one().decode(0)
        bases = try await run("SELECT base_id FROM attune.base WHERE $1 <> '' ORDER BY name").map { try $0.decode(0) }
    }

    /// Whether a step is one that the database can take: it cannot lose claims without crashing for everybody, and the
    /// rest are faults that the right rules exclude.
    static func takes(_ step: Step) -> Bool {
        switch step {
        case .loseClaims, .feed, .feedLate, .cancelLate, .mergeLate: false
        default: true
        }
    }

    /// Takes a step: `before` is the model's state before it, `after` the one after it.
    mutating func take(_ step: Step, _ before: Lifecycle, _ after: Lifecycle, _ connection: Connection) async throws {
        try await arrange([step], before, connection)
        let reply = try await act(step, before, connection)
        try await note(step, reply, after, connection)
    }
}

// MARK: - The call itself

extension ModelBridge {
    /// What the caller of a step does, on any connection.
    func act(_ step: Step, _ state: Lifecycle, _ connection: Connection) async throws -> Reply {
        @discardableResult
        func call(_ sql: String, _ parameters: Parameters) async throws -> Rows {
            try await connection.execute(Statement(name: sql, text: sql), parameters)
        }
        func name(_ user: UInt8) -> String { "u\(user)" }
        switch step {
        case .addUser:
            let sql = "INSERT INTO attune.\"user\" (tenant_id, user_id) VALUES ($1, $2) RETURNING uid"
            return .ids([try await call(sql, [.int32(tenantID), .text(name(UInt8(users.count)))]).one().decode(0)])
        case .record(let user):
            let examples = #"[{"text": "an example", "label": 1}]"#
            try await call("SELECT attune.record($1, $2, $3)", [.text(tenant), .text(name(user)), .json(examples)])
        case .enqueue(let users) where users.count > 1: return .ids(try await enqueueBulk(users.map(name), connection))
        case .enqueue(let users): return .ids([try await enqueue(name(users[0]), connection)])
        case .enqueuePoison(let user): return .ids([try await enqueue(name(user), connection)])
        case .cancel(let job): try await call("SELECT attune.cancel($1)", [.int64(jobs[Int(job)])])
        case .retry(let job):
            return .ids([try await call("SELECT attune.retry($1)", [.int64(jobs[Int(job)])]).one().decode(0)])
        case .erase(let user):
            try await call("SELECT attune.erase_user($1, $2)", [.text(tenant), .text(name(user))])
        case .rollback(let user, let target):
            let current = state.users[Int(user)].pointers[Int(state.activeBase)]?.revision
            func number(_ revision: UInt8?) -> Value {
                .int32(revision.map { Int32(state.revisions[Int($0)].number) } ?? 0)
            }
            let parameters: Parameters = [.text(tenant), .text(name(user)), number(target), number(current)]
            try await call("SELECT attune.rollback($1, $2, $3, $4)", parameters)
        case .promote(let base):
            try await call("SELECT attune.promote($1, $2)", [.text(tenant), .text(base == 0 ? "first" : "second")])
        case .start:
            return .ids([
                try await call("SELECT worker_id FROM attune.register_worker($1, 'model')", [.text(tenant)]).one()
                    .decode(0)
            ])
        case .heartbeat(let worker):
            try await call("SELECT state FROM attune.heartbeat($1, 1, 1)", [.int64(workers[Int(worker)])])
        case .claim(let worker, _): return .claimed(try await claim(workers[Int(worker)], connection))
        case .publish(let worker, let verdict), .publishUnheard(let worker, let verdict):
            return .published(try await publish(delivery(of: worker, verdict, state), connection))
        case .arrive(let call):
            if let delivery = late[Int(call)] { return .published(try await publish(delivery, connection)) }
        case .rescue: try await call("SELECT * FROM attune.rescue(100)", [])
        case .wake: try await call("SELECT attune.wake(100)", [])
        case .park(let chunk):
            try await call(
                "UPDATE attune.chunk SET state = 3 WHERE chunk_id = $1 AND state = 0", [.int64(chunks[Int(chunk)])])
        case .unpark(let chunk):
            // Locked first: what stands in a SELECT's list may be evaluated before its FOR UPDATE.
            let sql = """
                SELECT attune.ready_again(array_agg(l.chunk_id)) FROM (
                    SELECT chunk_id FROM attune.chunk WHERE chunk_id = $1 AND state = 3 FOR UPDATE) AS l HAVING count(*) > 0
                """
            try await call(sql, [.int64(chunks[Int(chunk)])])
        case .condemn(let object):
            let sql = "SELECT attune.condemn_objects($1, $2)"
            try await call(sql, [.array([keys[Int(object)]]), .array([Int64(9)])])
        case .delete(let object): try await call("SELECT attune.objects_deleted($1)", [.array([keys[Int(object)]])])
        case .upload, .publishLate, .crash, .expire, .overdue, .putAgain: break
        case .loseClaims, .feed, .feedLate, .cancelLate, .mergeLate: preconditionFailure("\(step) cannot be taken")
        }
        return .nothing
    }

    private func enqueue(_ user: String, _ connection: Connection) async throws -> Int64 {
        let sql = "SELECT attune.enqueue($1, $2)"
        return try await connection.execute(Statement(name: sql, text: sql), [.text(tenant), .text(user)]).one().decode(
            0)
    }

    private func enqueueBulk(_ users: [String], _ connection: Connection) async throws -> [Int64] {
        func run(_ sql: String, _ parameters: Parameters) async throws -> Rows {
            // The table is another one each time, which a prepared statement would not notice.
            try await connection.execute(Statement(name: sql, text: sql), parameters)
        }
        _ = try await run("SELECT attune.bulk_begin()", [])
        for user in users { _ = try await run("INSERT INTO pg_temp.attune_bulk (user_id) VALUES ($1)", [.text(user)]) }
        let first: Int64 = try await run("SELECT first_job FROM attune.bulk_commit($1)", [.text(tenant)]).one().decode(
            0)
        return users.indices.map { first + Int64($0) }
    }

    private func claim(_ workerID: Int64, _ connection: Connection) async throws -> [ClaimedChunk] {
        let rows = try await connection.execute(
            Statement(SQL.Queries.claimChunks),
            [
                .int64(workerID), .int32(Self.claimedLane), .float(1_000_000), .int32(10_000),
                .int64(LaneMark.start.sortKey), .int64(LaneMark.start.chunkID), .text(nil),
            ])
        return try PostgresQueueStore.result(of: rows, ClaimRequest(workerID: workerID, lane: Self.claimedLane)).chunks
    }

    private func publish(_ delivery: Delivery, _ connection: Connection) async throws -> PublishReport {
        let policy = RetryPolicy(maximumTries: 2)
        return try await PostgresQueueStore.publish(delivery, policy, on: connection)
    }

    /// What a worker of the model delivers, as a delivery.
    func delivery(of worker: UInt8, _ verdict: QueueModel.Verdict, _ state: Lifecycle) -> Delivery {
        let claimed = grips[worker] ?? []
        var delivery = Delivery(chunks: claimed.map(\.fence), reports: [])
        for chunk in claimed where verdict != .handedBack {
            let jobs = verdict == .first ? Array(chunk.jobs.prefix(1)) : chunk.jobs
            delivery.reports += jobs.map { job in
                switch verdict {
                case .completed, .first: JobReport(job, .completed(.test(through: job.dataSeq), .test))
                case .kept: JobReport(job, .kept(dataThrough: job.dataSeq, .test))
                default: JobReport(job, .failed(errorClass: "model", message: "", retryable: true))
                }
            }
        }
        if let object = state.workers[Int(worker)].grip?.object, verdict == .completed || verdict == .first {
            delivery.object = DeliveredObject(
                key: keys[Int(object)], sha256: Array(repeating: 0xAB, count: 32), byteCount: 4096)
        }
        return delivery
    }
}
