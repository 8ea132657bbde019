import Foundation
import Postgres
import Queue
import QueueModel
import Schema
import Testing

extension ModelBridge {
    /// The lane that holds what a claim is to find.
    static let claimedLane: Int32 = 1

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
