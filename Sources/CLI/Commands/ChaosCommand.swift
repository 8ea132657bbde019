import ArgumentParser
import Chaos
import Foundation
import Glibc
import Problem
import Synchronization

/// Breaks a deployment on purpose, and judges what is left of it.
struct ChaosCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chaos", abstract: "Break a private deployment in every way for minutes; nothing may be lost.",
        discussion: """
            Starts a private PostgreSQL and a private S3 server under a temporary folder, real workers and schedulers behind
            proxies, producers and operators; kills, stops, cuts, delays, refuses and fills as the seed says; then reads
            every row and every stored byte and judges the invariants. A seed gives the same plan again; timing differs.

            Exit status 1 when something was violated. With --unguarded the guards of publish are off, and 1 means that
            the checker did not notice.

            EXAMPLES:
              attune chaos --seed 1
              attune chaos --quick --json
              attune chaos --quick --unguarded
            """)

    @OptionGroup var output: OutputOptions
    @Option(help: "Gives the plan of faults and the data.") var seed: UInt64 = 1
    @Option(help: "Jobs that producers enqueue; campaigns come on top.") var jobs: Int?
    @Option(help: "Faults that are planned, at least one of each kind; some meet nothing and do not count.") var faults:
        Int?
    @Flag(help: "6,000 jobs and 45 faults, for a first look.") var quick = false
    @Flag(help: "Switch off fence and compare-and-set in this run's database: the checker has to see it.")
    var unguarded = false
    @Flag(help: "Switch off the fence alone, and say how many the rest caught.") var noFence = false
    @Flag(help: "Keep the folder with all logs even if all is well.") var keep = false

    private struct Config: Encodable {
        var seed: UInt64
        var jobs: Int
        var users: Int
        var size: ChaosPlan.Size
        var sabotage: Sabotage?
    }

    func validate() throws {
        guard jobs.map({ (400...10_000_000).contains($0) }) ?? true else {
            throw ValidationError("--jobs must be between 400 and 10,000,000.")
        }
        guard faults.map({ (Fault.Kind.allCases.count...100_000).contains($0) }) ?? true else {
            throw ValidationError("--faults must be between \(Fault.Kind.allCases.count) and 100,000.")
        }
        guard !(unguarded && noFence) else { throw ValidationError("--unguarded and --no-fence exclude each other.") }
    }

    func run() async throws {
        let folder = "/tmp/attune-chaos-\(getpid())"
        // PostgreSQL runs under an account of its own and must reach its folder.
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        var isAsExpected = false
        defer {
            if isAsExpected, !keep {
                Terminal.removeFolder(folder)
            } else {
                Terminal.note("logs of every process are in \(folder)")
            }
        }
        signal(SIGPIPE, SIG_IGN)
        var configuration = ChaosRun.Configuration(folder: folder)
        configuration.seed = seed
        configuration.jobs = jobs ?? (quick ? 6000 : 100_000)
        configuration.users = max(100, configuration.jobs / 5)
        configuration.size.faults = faults ?? (quick ? 45 : 340)
        configuration.size.operations = max(Operation.Kind.allCases.count, configuration.size.faults / 3)
        configuration.sabotage = unguarded ? .unguarded : noFence ? .noFence : nil
        // Without guards some work cannot end: its outcome stands already. What is left is counted, not waited for.
        if configuration.sabotage != nil { configuration.patienceSeconds = 40 }
        let news = News()
        let report = try await ChaosRun(configuration).run { news.tell($0) }
        try show(report, configuration)
        isAsExpected = noFence || report.violations.isEmpty == (configuration.sabotage == nil)
        if !isAsExpected { throw ExitStatus.answerIsNo }
    }

    private func show(_ report: ChaosReport, _ configuration: ChaosRun.Configuration) throws {
        var figures: [String: Double] = [
            "chaos.jobs": Double(report.jobs), "chaos.faults": Double(report.faultCount),
            "chaos.lost": Double(report.count(.lost)), "chaos.double_effects": Double(report.count(.doubleEffect)),
            "chaos.stale_pointers": Double(report.count(.stalePointer)),
            "chaos.missing_objects": Double(report.count(.missingObject)),
            "chaos.disagreements": Double(report.count(.disagreement)),
            "chaos.violations": Double(report.violations.count), "chaos.seconds": report.seconds,
        ]
        if let late = report.jobsWithoutLease {
            figures["chaos.jobs_without_lease"] = Double(late)
            figures["chaos.caught_by_the_rest"] = Double(max(0, late - report.jobsHarmed))
        }
        let measured = try MeasurementReport(
            config: Config(
                seed: seed, jobs: configuration.jobs, users: configuration.users, size: configuration.size,
                sabotage: configuration.sabotage), figures: figures, tables: report)
        if output.json { return try JSONOutput.print(measured) }
        measured.lines().forEach(Terminal.output)
        var table = TextTable(
            .init(title: "FAULT OR OPERATION"), .init(title: "TIMES", alignment: .right), .init(title: ""))
        for (kind, count) in report.faults.sorted(by: { $0.key < $1.key }) {
            table.rows.append([kind, "\(count)", ""])
        }
        for (kind, reason) in report.skipped.sorted(by: { $0.key < $1.key }) {
            table.rows.append([kind, "0", "SKIPPED: \(reason)"])
        }
        for (kind, count) in report.operations.sorted(by: { $0.key < $1.key }) {
            table.rows.append([kind, "\(count)", "asked for"])
        }
        table.lines(width: Terminal.width).forEach(Terminal.output)
        let endings = report.endings.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        Terminal.output("\(report.jobs) jobs: \(endings.joined(separator: ", ")); \(report.revisions) revisions.")
        for (kind, count) in report.refusals.sorted(by: { $0.key < $1.key }) {
            Terminal.output("refused \(count) times: \(kind)")
        }
        for probe in report.probes {
            Terminal.output(
                "a claim of \(probe.jobs) jobs \(probe.moment): \(probe.pages) pages, \(probe.waitingChunks) chunks "
                    + "waiting, \(probe.endedJobs) jobs ended")
        }
        for ending in report.unexpectedEndings { Terminal.output("unexpected: \(ending)") }
        for violation in report.violations.prefix(50) { Terminal.output("VIOLATION \(violation)") }
        if report.violations.isEmpty { Terminal.output("nothing lost, nothing twice, nothing stale, nothing missing.") }
    }
}

/// What is going on, on standard error, at most every five seconds.
private final class News: Sendable {
    private let start = ContinuousClock.now
    private let last = Mutex<ContinuousClock.Instant?>(nil)

    func tell(_ text: String) {
        let isDue = last.withLock { last in
            guard last.map({ ContinuousClock.now - $0 > .seconds(5) }) ?? true else { return false }
            last = .now
            return true
        }
        if isDue { Terminal.note("\(Figures.span(seconds: (ContinuousClock.now - start) / .seconds(1)))  \(text)") }
    }
}
