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
    private let tenantID: Int32
    private let bases: [Int32]
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

// MARK: - What stands around the call

extension ModelBridge {
    /// The lane that holds what a claim is to find.
    private static let claimedLane: Int32 = 1

    /// Makes the database such that the steps find what they name, and nothing else.
    func arrange(_ steps: [Step], _ state: Lifecycle, _ connection: Connection) async throws {
        func run(_ sql: String, _ parameters: Parameters) async throws {
            try await connection.execute(Statement(name: sql, text: sql), parameters)
        }
        for step in steps {
            switch step {
            case .claim(_, let claimed):
                // A retry chunk is in the lane of the one it came from.
                let sql = """
                    UPDATE attune.chunk SET lane = $1 + (chunk_id <> ALL ($2))::int WHERE tenant_id = $3 AND state = 0
                    """
                let ids = Value.array(claimed.map { chunks[Int($0)] })
                try await run(sql, [.int32(Self.claimedLane), ids, .int32(tenantID)])
            case .wake(let chunk):
                try await run(
                    "UPDATE attune.chunk SET run_at = clock_timestamp() WHERE chunk_id = $1 AND state = 2",
                    [.int64(chunks[Int(chunk)])])
            default: break
            }
        }
        let rescued = steps.compactMap { if case .rescue(let chunk) = $0 { chunks[Int(chunk)] } else { nil } }
        if !rescued.isEmpty {
            // A holder that nobody knows: such a chunk is not taken back.
            try await run(
                "UPDATE attune.chunk SET worker_id = -abs(worker_id) WHERE tenant_id = $1 AND state = 1 AND chunk_id <> ALL ($2)",
                [.int32(tenantID), .array(rescued)])
        }
    }

    /// Learns from a reply, and makes time stand in the database as it stands in the model.
    mutating func note(_ step: Step, _ reply: Reply, _ after: Lifecycle, _ connection: Connection) async throws {
        switch (step, reply) {
        case (.addUser, .ids(let ids)): users += ids
        case (.start, .ids(let ids)): workers += ids
        case (.enqueue, .ids(let ids)), (.enqueuePoison, .ids(let ids)): jobs += ids
        case (.retry, .ids(let ids)): if !jobs.contains(ids[0]) { jobs += ids }
        case (.claim(let worker, _), .claimed(let claimed)): if !claimed.isEmpty { grips[worker] = claimed }
        case (.upload(let worker), _): keys.append(key(of: worker, after))
        case (.publish(let worker, _), _), (.crash(let worker), _): grips[worker] = nil
        case (.publishLate(let worker, let verdict), _): late.append(delivery(of: worker, verdict, after))
        case (.arrive(let call), _): late.remove(at: Int(call))
        default: break
        }
        try await keepTime(after, connection)
        try await identify(after, connection)
    }

    private func key(of worker: UInt8, _ state: Lifecycle) -> String {
        guard let first = state.workers[Int(worker)].grip?.parts.first,
            let chunk = grips[worker]?.first(where: { $0.fence.chunkID == chunks[Int(first.chunk)] })
        else { return "" }
        return "\(chunk.keyPrefix)/\(chunk.fence.keyPart)-\(String(repeating: "ab", count: 32))"
    }

    /// Leases, deadlines and delays are over where the model says so, and far from it elsewhere.
    private func keepTime(_ state: Lifecycle, _ connection: Connection) async throws {
        let sql = """
            WITH leases AS (
                UPDATE attune.worker SET lease_until = clock_timestamp()
                    + CASE WHEN worker_id = ANY ($2) THEN interval '-1 s' ELSE '1 h' END
                WHERE worker_id = ANY ($1)
            )
            UPDATE attune.chunk SET worker_id = abs(worker_id),
                deadline = CASE WHEN chunk_id <> ALL ($4) THEN clock_timestamp() + interval '1 h' ELSE '-infinity' END,
                run_at = CASE state WHEN 2 THEN clock_timestamp() + interval '1 h' END
            WHERE tenant_id = $3 AND state IN (1, 2)
            """
        let expired = zip(state.workers, workers).filter(\.0.isExpired).map(\.1)
        let overdue = zip(state.chunks, chunks).filter(\.0.isOverdue).map(\.1)
        try await connection.execute(
            Statement(name: sql, text: sql),
            [.array(workers), .array(expired), .int32(tenantID), .array(overdue)])
    }
}

// MARK: - What stands in the database

extension ModelBridge {
    private struct ChunkRow {
        var id: Int64
        var members: [Int64]
    }

    /// Finds the rows of what a step has made: revisions by their jobs, chunks by what is open in them.
    private mutating func identify(_ state: Lifecycle, _ connection: Connection) async throws {
        for revision in state.revisions.dropFirst(revisions.count) where jobs.indices.contains(Int(revision.job)) {
            let sql = "SELECT revision_id FROM attune.revision WHERE job_id = $1"
            let row = try await connection.execute(
                Statement(name: sql, text: sql), [.int64(jobs[Int(revision.job)])]
            ).oneOrNone()
            revisions.append(try row?.decode(0) ?? -1)
        }
        guard state.chunks.count > chunks.count else { return }
        let sql = """
            SELECT c.chunk_id, coalesce((SELECT array_agg(o.job_id) FROM attune.open_jobs(ARRAY[c.chunk_id]) AS o), '{}')
            FROM attune.chunk c WHERE c.tenant_id = $1 AND c.chunk_id <> ALL ($2) ORDER BY c.chunk_id
            """
        var rows = try await connection.execute(Statement(name: sql, text: sql), [.int32(tenantID), .array(chunks)]).map
        {
            ChunkRow(id: try $0.decode(0), members: try $0.decode(1))
        }
        for chunk in state.chunks.dropFirst(chunks.count) {
            let members = Set(chunk.members.filter { state.jobs[Int($0.job)].ending == nil }.map { jobs[Int($0.job)] })
            guard let row = rows.firstIndex(where: { Set($0.members) == members }) else { return }
            chunks.append(rows.remove(at: row).id)
        }
    }

    /// What differs between the database and the model; nil when they agree.
    func difference(from state: Lifecycle, _ connection: Connection) async throws -> String? {
        let (stored, expected) = (try await stored(connection), expected(state))
        guard stored != expected else { return nil }
        let more = stored.subtracting(expected).sorted().map { "    stored:   \($0)" }
        let less = expected.subtracting(stored).sorted().map { "    expected: \($0)" }
        return (less + more).joined(separator: "\n")
    }

    private func expected(_ state: Lifecycle) -> Set<String> {
        var lines: Set<String> = []
        func index<Number: BinaryInteger>(_ number: Number?) -> String { number.map { "\($0)" } ?? "-" }
        for (id, job) in state.jobs.enumerated() {
            let ending = job.ending?.rawValue ?? 0
            lines.insert("job \(id) ended \(ending) into \(index(job.mergedInto)) repeats \(index(job.retryOf))")
        }
        for (id, chunk) in state.chunks.enumerated() {
            guard chunk.state != .closed else {
                lines.insert("chunk \(id) closed")
                continue
            }
            let members = chunk.members.filter { state.jobs[Int($0.job)].ending == nil }
                .map { "\($0.job):\($0.tries):\($0.superseded)" }.sorted()
            let holders = (0..<16).filter { chunk.holders & (1 << UInt16($0)) != 0 }
            let lease = chunk.state == .leased ? "\(chunk.worker) under \(chunk.base)" : "-"
            lines.insert(
                "chunk \(id) \(chunk.state.rawValue) attempt \(chunk.attempt) crashes \(chunk.crashes) \(holders) by \(lease): \(members)"
            )
        }
        for (id, user) in state.users.enumerated() {
            lines.insert("user \(id) data \(user.data) erased \(user.isErased)")
            for (base, pointer) in user.pointers.enumerated() {
                guard let pointer else { continue }
                lines.insert(
                    "pointer \(id) \(base) revision \(index(pointer.revision)) number \(pointer.number) judged \(pointer.judged)"
                )
            }
        }
        for (id, revision) in state.revisions.enumerated() where !revision.isErased {
            lines.insert(
                "revision \(id) of \(revision.user) \(revision.base) number \(revision.number) parent \(index(revision.parent)) job \(revision.job) through \(revision.through) in \(revision.object)"
            )
        }
        for (id, object) in state.objects.enumerated() where object.row != .none {
            lines.insert("object \(id) \(object.row)")
        }
        return lines
    }

    private func stored(_ connection: Connection) async throws -> Set<String> {
        let sql = """
            SELECT 'job', ARRAY[j.job_id, o.ending, o.merged_into, j.retry_of], NULL::bigint[], NULL::smallint[], NULL::smallint[], NULL
            FROM attune.job j LEFT JOIN attune.outcome o USING (job_id) WHERE j.tenant_id = $1
            UNION ALL
            SELECT 'chunk', ARRAY[c.chunk_id, c.state, c.attempt, c.crashes, c.worker_id, c.base_id] || c.crash_workers,
                m.jobs, m.tries, m.superseded, NULL
            FROM attune.chunk c LEFT JOIN LATERAL (
                SELECT array_agg(o.job_id) AS jobs, array_agg(o.tries) AS tries, array_agg(o.superseded) AS superseded
                FROM attune.open_jobs(CASE WHEN c.state <> 4 THEN ARRAY[c.chunk_id] END) AS o) AS m ON true
            WHERE c.tenant_id = $1
            UNION ALL
            SELECT 'user', ARRAY[u.uid, u.data_seq, (u.erased_at IS NOT NULL)::int], NULL, NULL, NULL, NULL
            FROM attune."user" u WHERE u.tenant_id = $1
            UNION ALL
            SELECT 'pointer', ARRAY[p.uid, p.base_id, p.revision_id, p.number, p.judged_through], NULL, NULL, NULL, NULL
            FROM attune.pointer p WHERE p.tenant_id = $1
            UNION ALL
            SELECT 'revision', ARRAY[r.revision_id, r.uid, r.base_id, r.number, r.parent_id, r.job_id, r.data_through], NULL, NULL, NULL,
                (SELECT o.key FROM attune.object_slot s JOIN attune.object o USING (object_id) WHERE s.revision_id = r.revision_id)
            FROM attune.revision r WHERE r.tenant_id = $1
            UNION ALL
            SELECT 'object', ARRAY[o.state::bigint], NULL, NULL, NULL, o.key FROM attune.object o WHERE o.tenant_id = $1
            """
        let rows = try await connection.execute(Statement(name: sql, text: sql), [.int32(tenantID)])
        return Set(try rows.map(line))
    }

    /// A row in the words of ``expected(_:)``.
    private func line(_ row: Row) throws -> String {
        func name<ID: Equatable>(_ id: ID?, in ids: [ID]) -> String {
            guard let id else { return "-" }
            return ids.firstIndex(of: id).map { "\($0)" } ?? "unknown \(id)"
        }
        let kind: String = try row.decode(0)
        let ids = try row.decode(1, as: [Int64?].self)
        let key = name(try row.decode(5, as: String?.self), in: keys)
        func number(_ position: Int) -> Int64 { ids[position] ?? 0 }
        func base(_ position: Int) -> String { name(ids[position].map(Int32.init), in: bases) }
        switch kind {
        case "job":
            return
                "job \(name(ids[0], in: jobs)) ended \(number(1)) into \(name(ids[2], in: jobs)) repeats \(name(ids[3], in: jobs))"
        case "chunk":
            let chunk = name(ids[0], in: chunks)
            guard number(1) != 4 else { return "chunk \(chunk) closed" }
            let jobs = try row.decode(2, as: [Int64]?.self) ?? []
            let (tries, superseded) = (
                try row.decode(3, as: [Int16]?.self) ?? [], try row.decode(4, as: [Int16]?.self) ?? []
            )
            let members = jobs.indices.map { "\(name(jobs[$0], in: self.jobs)):\(tries[$0]):\(superseded[$0])" }
                .sorted()
            let holders = Set(ids.dropFirst(6).compactMap { $0.flatMap(workers.firstIndex) }).sorted()
            let lease = number(1) == 1 ? "\(name(ids[4], in: workers)) under \(base(5))" : "-"
            return
                "chunk \(chunk) \(number(1)) attempt \(number(2)) crashes \(number(3)) \(holders) by \(lease): \(members)"
        case "user": return "user \(name(ids[0], in: users)) data \(number(1)) erased \(number(2) == 1)"
        case "pointer":
            return
                "pointer \(name(ids[0], in: users)) \(base(1)) revision \(name(ids[2], in: revisions)) number \(number(3)) judged \(number(4))"
        case "revision":
            return
                "revision \(name(ids[0], in: revisions)) of \(name(ids[1], in: users)) \(base(2)) number \(number(3)) parent \(name(ids[4], in: revisions)) job \(name(ids[5], in: jobs)) through \(number(6)) in \(key)"
        default: return "object \(key) \(Lifecycle.ObjectRow(rawValue: UInt8(number(0)) + 1).map { "\($0)" } ?? "?")"
        }
    }
}
