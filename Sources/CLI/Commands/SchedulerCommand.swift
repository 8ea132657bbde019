import ArgumentParser
import Foundation
import Glibc
import Logging
import Postgres
import Queue
import Scheduler
import UnixSignals

/// Runs one scheduler process, leading or standing by.
struct SchedulerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scheduler",
        abstract: "Give lanes to workers, rescue expired leases, collect orphans; one leads, the others stand by.",
        discussion: """
            The connection must be direct, not through a pooler in transaction mode: it holds the leader's lock.

            EXAMPLES:
              attune scheduler
              attune scheduler --dsn 'host=db.internal dbname=attune' --store s3://adapters
            """)

    @OptionGroup var connection: DatabaseOptions
    @OptionGroup var objects: StoreOptions
    @Option(help: "Name shown in status.") var name: String = "\(ProcessInfo.processInfo.hostName)-\(getpid())"
    @Option(help: ArgumentHelp("Seconds between ticks.", valueName: "seconds")) var tick: Double = 1

    func run() async throws {
        let conninfo = try connection.conninfo()
        var options = ConnectionOptions()
        options.applicationName = "attune scheduler \(name)"
        let pool = ConnectionPool(conninfo, limit: 2, options: options)
        var configuration = Scheduler.Configuration(name: name)
        configuration.tickSeconds = tick
        let scheduler = Scheduler(
            configuration, conninfo: conninfo, pool: pool, queue: PostgresQueueStore(pool),
            objects: try objects.open(for: connection.deployment()), logger: Logger(label: "attune.scheduler"))
        let running = Task { try await scheduler.run() }
        for await _ in await UnixSignalsSequence(trapping: .sigterm, .sigint) { break }
        running.cancel()
        try await running.value
        await pool.close()
    }
}
