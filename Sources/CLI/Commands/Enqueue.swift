import ArgumentParser
import Foundation
import Population
import Postgres
import Problem
import Queue
import Registry

/// Asks for adaptations.
struct Enqueue: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask for adaptations: of one user, of a file's, or of all.",
        discussion: """
            From your service, inside its own transaction: SELECT attune.enqueue('acme', 'u-7').
            A line of --file is {"user": "u-7"} with, if need be, dedup_key, payload (base64) and trace. Lines that cannot \
            be accepted are written to FILE.rejected; the others are enqueued.

            EXAMPLES:
              attune enqueue --tenant acme u-7
              attune enqueue --tenant acme u-7 --dedup-key profile:7:418
              attune enqueue --tenant acme --all
              attune enqueue --tenant acme --file jobs.ndjson
            """)

    /// The streams that people enqueue into; campaigns fill the third.
    enum Stream: String, ExpressibleByArgument, CaseIterable {
        case interactive, bulk
        var flow: Flow { self == .interactive ? .interactive : .bulk }
    }

    @Argument(help: "The tenant's own id of a user.") var user: String?
    @Flag(help: "Every user of the tenant.") var all = false
    @Option(help: "JSON lines, one job a line, plain or zstd-compressed.", completion: .file()) var file: String?
    @Option(help: "Which stream: interactive or bulk; default: interactive for one user, else bulk.") var flow: Stream?
    @Option(help: "With one user: at most one job is made for a key.") var dedupKey: String?
    @Option(help: "With one user: 1, 2 or 3 goes ahead of 100, 1,000 or 10,000 jobs of its flow.") var priority: Int32 =
        0
    @Option(help: "Not before this many seconds from now.") var delay: Double?
    @OptionGroup var tenant: TenantOption
    @OptionGroup var connection: DatabaseOptions
    @OptionGroup var output: OutputOptions

    private var runAt: Date? { delay.map { Date().addingTimeInterval($0) } }
    private var bulkFlow: Flow { (flow ?? .bulk).flow }

    func validate() throws {
        guard [user != nil, all, file != nil].count(where: { $0 }) == 1 else {
            throw ValidationError("Name one user, or give --all or --file.")
        }
        guard dedupKey == nil || user != nil else { throw ValidationError("--dedup-key goes with one user.") }
        guard priority == 0 || user != nil else { throw ValidationError("--priority goes with one user.") }
        guard delay.map({ $0 >= 0 && $0 <= 315_360_000 }) ?? true else {
            throw ValidationError("--delay must be 0 to 315,360,000 seconds.")
        }
    }

    func run() async throws {
        try await connection.withDatabase { database in
            _ = try await Registry(database).tenant(tenant.tenant)
            if let user {
                try await enqueueOne(user, database)
            } else if let file {
                try await enqueueFile(file, database)
            } else {
                try await enqueueAll(database)
            }
        }
    }

    private struct OneAnswer: Encodable {
        var job: Int64
    }

    private func enqueueOne(_ user: String, _ database: ConnectionPool) async throws {
        var wanted = NewJob(tenant: tenant.tenant, user: user)
        wanted.flow = (flow ?? .interactive).flow
        wanted.dedupKey = dedupKey
        wanted.runAt = runAt
        wanted.priority = priority
        let job = try await PostgresQueueStore(database).enqueue(wanted)
        if output.json { return try JSONOutput.print(OneAnswer(job: job)) }
        Terminal.output("job        \(job)")
    }

    private func enqueueAll(_ database: ConnectionPool) async throws {
        let started = Date()
        var bulk = BulkEnqueue(PostgresQueueStore(database), tenant: tenant.tenant, flow: bulkFlow, runAt: runAt)
        var (after, gone) = (Int64(0), 0)
        while true {
            let page = try await Registry(database).users(
                of: tenant.tenant, after: after, limit: BulkEnqueue.batchJobs)
            guard let last = page.last else { break }
            after = last.uid
            let jobs = page.map { Bulk.Entry(user: $0.id) }
            // Users erased since the page was read are no longer there to adapt.
            gone += try await bulk.enqueue(jobs).count
            Terminal.progress("enqueue    \(bulk.counts.accepted) users")
        }
        guard bulk.counts.accepted > 0 else {
            throw Problem(
                "unknown_user", at: tenant.tenant, "it has no users.",
                do: "attune import, attune sample, or SELECT attune.record(…) brings some.")
        }
        if gone > 0 { Terminal.note("\(gone) users were erased meanwhile.") }
        try report(bulk.counts, RejectList(), nil, Date().timeIntervalSince(started))
    }

    private func enqueueFile(_ file: String, _ database: ConnectionPool) async throws {
        let started = Date()
        var reader = try JobFile(path: file)
        var bulk = BulkEnqueue(PostgresQueueStore(database), tenant: tenant.tenant, flow: bulkFlow, runAt: runAt)
        var rejected = RejectedLines(of: file)
        var batch: [RequestedJob] = []
        func flush() async throws {
            for rejection in try await bulk.enqueue(batch.map(\.entry)) {
                let (job, errorClass) = (batch[rejection.line - 1], rejection.errorClass)
                try rejected.add(
                    Problem(
                        errorClass, at: "\(file):\(job.line)", Self.reason(errorClass, job),
                        do: "correct the line and send it again."), bytes: job.bytes)
            }
            batch = []
        }
        while let entry = try reader.next() {
            switch entry {
            case .refused(let problem, let bytes): try rejected.add(problem, bytes: bytes)
            case .job(let job): batch.append(job)
            }
            if batch.count == BulkEnqueue.batchJobs { try await flush() }
        }
        try await flush()
        let path = try rejected.finish()
        try report(bulk.counts, rejected.list, path, Date().timeIntervalSince(started))
        try rejected.list.end(taken: bulk.counts.accepted + bulk.counts.duplicates)
    }

    private static func reason(_ errorClass: String, _ job: RequestedJob) -> String {
        switch errorClass {
        case "unknown_user": "\"\(Problem.excerpt(job.entry.user))\" (record examples first)"
        case "dedup_conflict": "the key belongs to a job with another payload"
        case "payload_too_long": "\(job.entry.payload?.count ?? 0) bytes, 65,536 at most"
        case "bad_dedup_key": "a key has 1 to 1,000 characters"
        default: "see attune.bulk_commit"
        }
    }

    private struct BulkAnswer: Encodable {
        var accepted: Int
        var duplicates: Int
        var rejected: Int
        var chunks: Int
        var rejectedFile: String?
        var rejects: [RejectList.Reject]
        var seconds: Double
    }

    private func report(
        _ counts: BulkEnqueue.Counts, _ rejects: RejectList, _ path: String?, _ seconds: Double
    ) throws {
        if output.json {
            return try JSONOutput.print(
                BulkAnswer(
                    accepted: counts.accepted, duplicates: counts.duplicates, rejected: rejects.count,
                    chunks: counts.chunks, rejectedFile: path, rejects: rejects.listed, seconds: seconds))
        }
        rejects.show(rest: "all in \(path ?? "")")
        Terminal.output(
            "accepted   \(Figures.count(counts.accepted))   duplicates \(Figures.count(counts.duplicates))"
                + "   rejected \(Figures.count(rejects.count))   \(Figures.span(seconds: seconds))")
        if let path {
            Terminal.note("Fix and send only the rejected:\n  attune enqueue --tenant \(tenant.tenant) --file \(path)")
        }
    }
}
