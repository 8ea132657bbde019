import Foundation
import Postgres
import Queue
import QueueModel
import Schema
import Testing

extension ModelBridge {
    private struct ChunkRow {
        var id: Int64
        var members: [Int64]
    }

    /// Finds the rows of what a step has made: revisions by their jobs, chunks by what is open in them.
    mutating func identify(_ state: Lifecycle, _ connection: Connection) async throws {
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
