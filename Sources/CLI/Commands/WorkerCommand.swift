import ArgumentParser
import Foundation
import Glibc
import Logging
import Model
import ObjectStore
import Postgres
import Problem
import Queue
import Registry
import UnixSignals
import Worker

/// Runs one worker process.
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Claim jobs, adapt their users, upload and publish, until SIGTERM.",
        discussion: """
            Any number may run, on any machine that reaches database and store. SIGTERM drains: nothing new is claimed,
            what is in hand is finished or handed back inside --drain seconds, and the exit status is 0.

            EXAMPLES:
              attune worker
              attune worker --dsn 'host=db.internal dbname=attune' --store s3://adapters --threads 8
              attune worker --base models/v2 --base models/v3    # during a campaign: serves and adapts under both
              attune worker --until-idle          # for batches: ends when nothing waits
            """)

    @OptionGroup var connection: DatabaseOptions
    @OptionGroup var objects: StoreOptions
    @OptionGroup var bases: BasesOptions
    @OptionGroup var output: OutputOptions

    @Option(help: "Name shown in status.") var name: String = "\(ProcessInfo.processInfo.hostName)-\(getpid())"
    @Option(help: "Compute threads.") var threads: Int = ProcessInfo.processInfo.activeProcessorCount
    @Option(help: ArgumentHelp("Memory for frozen features.", valueName: "MiB")) var cache: Int = 256
    @Option(help: ArgumentHelp("Jobs claimed together at most.", valueName: "count")) var jobsPerClaim: Int = 1000
    @Option(help: ArgumentHelp("Seconds between heartbeats.", valueName: "seconds")) var heartbeat: Double = 5
    @Option(help: ArgumentHelp("Seconds after SIGTERM before the rest is handed back.", valueName: "seconds"))
    var drain: Double = 25
    @Flag(help: "End when nothing is left to claim.") var untilIdle = false
    @Option(help: ArgumentHelp("Die or hang at a point: afterUploadBeforePublish=kill.", visibility: .hidden))
    var fault: String?
    @Option(help: ArgumentHelp("A file with seconds that this worker's clock is off by.", visibility: .hidden))
    var clockOffset: String?

    private struct Answer: Codable {
        var completed: Int
        var kept: Int
        var failed: Int
        var lostChunks: Int
        /// Users and busy seconds by stage.
        var stages: [String: StageClock.Sum]
    }

    func run() async throws {
        var options = ConnectionOptions()
        options.applicationName = "attune worker \(name)"
        let pool = ConnectionPool(try connection.conninfo(), limit: 6, options: options)
        var configuration = WorkerConfiguration(name: name)
        configuration.computeThreads = threads
        configuration.cacheBytes = cache << 20
        configuration.jobsPerClaim = jobsPerClaim
        configuration.heartbeatSeconds = heartbeat
        configuration.drainSeconds = drain
        configuration.stopsWhenIdle = untilIdle
        let switchOff = DrainSwitch()
        let encoders = try bases.open()
        let worker = try Worker(
            configuration, queue: PostgresQueueStore(pool), inputs: AdaptationInputs(pool),
            store: try objects.open(for: connection.deployment(), clock: Self.clock(clockOffset)), encoder: encoders[0],
            alsoHolding: Array(encoders.dropFirst()), drain: switchOff,
            logger: Logger(label: "attune.worker"), faults: try Self.faults(fault))
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        let listening = Task { for await _ in signals { switchOff.begin() } }
        try await worker.run()
        listening.cancel()
        await pool.close()
        let totals = worker.totals
        if output.json {
            try JSONOutput.print(
                Answer(
                    completed: totals.completed, kept: totals.kept, failed: totals.failed,
                    lostChunks: totals.lostChunks,
                    stages: Dictionary(uniqueKeysWithValues: worker.stages.totals.map { ($0.key.rawValue, $0.value) })))
        }
    }

    /// The machine's clock, off by what a file says at each look; a file that cannot be read says nothing.
    static func clock(_ offsetFile: String?) -> StoreClock {
        guard let offsetFile else { return .system }
        var clock = StoreClock.system
        let now = clock.now
        clock.now = {
            let text = (try? String(contentsOfFile: offsetFile, encoding: .utf8)) ?? ""
            return now() + (text.split(whereSeparator: \.isNewline).first.flatMap { Double($0) } ?? 0)
        }
        return clock
    }

    /// `POINT=kill` dies there as a crash does; `POINT=stop` hangs until SIGCONT, as a machine that is suspended.
    static func faults(_ text: String?) throws -> FaultHandler {
        guard let text else { return { _ in } }
        let parts = text.split(separator: "=").map(String.init)
        guard parts.count == 2, let point = FaultPoint(rawValue: parts[0]),
            let signal = ["kill": SIGKILL, "stop": SIGSTOP][parts[1]]
        else {
            let points = FaultPoint.allCases.map(\.rawValue).joined(separator: ", ")
            throw Problem("usage", at: "--fault", "\(text) is not POINT=kill or POINT=stop.", do: "points: \(points).")
        }
        return { reached in if reached == point { kill(getpid(), signal) } }
    }
}
