package import Postgres
import Problem
import Schema

extension PostgresQueueStore {
    /// See ``QueueStore/publish(_:)``.
    public func publish(_ delivery: Delivery) async throws -> PublishReport {
        try Self.report(try await run(SQL.Queries.publishDelivery, Self.parameters(delivery, retryPolicy)).one())
    }

    /// The same on a connection of the caller's, inside the caller's transaction: tests interleave it with others.
    package static func publish(
        _ delivery: Delivery, _ policy: RetryPolicy = RetryPolicy(), on connection: Connection
    ) async throws -> PublishReport {
        let statement = Statement(SQL.Queries.publishDelivery)
        return try report(try await connection.execute(statement, parameters(delivery, policy)).one())
    }

    private static func parameters(_ delivery: Delivery, _ policy: RetryPolicy) -> Parameters {
        let reports = delivery.reports
        let verdicts = reports.map { Verdict($0, policy) }
        func column<Element: PostgresValue>(_ value: (Verdict) -> Element) -> Value { .array(verdicts.map(value)) }
        /// Null as a whole where no job has one, as hardly any delivery has delays or errors.
        func rare<Element: PostgresValue>(_ value: (Verdict) -> Element?) -> Value {
            let values = verdicts.map(value)
            return values.contains { $0 != nil } ? .array(values) : .array([Element?]?.none)
        }
        let stages = verdicts.lazy.compactMap(\.measurements).first.map {
            [$0.fetchMilliseconds, $0.adaptMilliseconds, $0.encodeMilliseconds, $0.uploadMilliseconds]
        }
        return [
            .array(delivery.chunks.map(\.chunkID)), .array(delivery.chunks.map(\.attempt)),
            .array(delivery.chunks.map(\.token)),
            .text(delivery.object?.key), .bytes(delivery.object?.sha256), .int64(delivery.object?.byteCount),
            .array(reports.map(\.job.jobID)), .array(reports.map(\.job.chunkID)), column(\.code),
            .array(reports.map(\.job.epoch)), .array(reports.map(\.job.parentRevision)), column(\.dataThrough),
            rare(\.draft?.offset), rare(\.draft?.length), rare(\.draft?.sha256),
            column(\.measurements?.examples), column(\.measurements?.steps), column(\.measurements?.rows),
            column(\.measurements?.lossBefore), column(\.measurements?.lossAfter),
            column(\.measurements?.storedBytes), .array(stages), rare(\.delayMilliseconds), rare(\.errorClass),
            rare(\.message),
        ]
    }

    private static func report(_ row: Row) throws -> PublishReport {
        var report = PublishReport()
        (report.completed, report.kept) = try (row.decode(0), row.decode(1))
        (report.superseded, report.retried) = try (row.decode(2), row.decode(3))
        (report.discarded, report.erased) = try (row.decode(4), row.decode(5))
        (report.lostChunks, report.publishedBefore) = try (row.decode(6), row.decode(7))
        return report
    }
}
