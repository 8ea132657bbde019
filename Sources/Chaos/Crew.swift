import Foundation
import Glibc
import Loopback
import Synchronization

/// The worker and scheduler processes of a run, each with proxies of its own: started, killed, stopped, started again.
final class Crew: Sendable {
    /// What a member needs to be told apart and to be got at.
    struct Line: Sendable {
        let database: FaultyProxy
        let lostReplies = FaultOrders<String>()
        /// Workers and schedulers speak to the store too.
        let store: FaultyProxy
        let storeFaults = FaultOrders<HTTPConversation.Order>()

        init(_ servers: ChaosServers) throws {
            let (replies, faults) = (lostReplies, storeFaults)
            database = try FaultyProxy(to: .path(servers.postgresSocket)) { PostgresConversation(replies) }
            store = try FaultyProxy(to: .port(try servers.storePort())) { HTTPConversation(faults) }
        }

        var conninfo: String {
            "host=127.0.0.1 port=\(database.port) dbname=attune user=attune sslmode=disable gssencmode=disable"
        }
    }

    private struct Member {
        let name: String
        let arguments: [String]
        let environment: [String: String]
        var process: ChildProcess?
        var isPaused = false
        var wasKilled = false
        var starts = 0
    }

    let lines: [Line]
    let workerCount: Int
    let folder: String
    private let members: Mutex<[Member]>
    private let mishaps = Mutex<[String]>([])
    private let isOver = Mutex(false)

    /// Makes proxies for workers, then schedulers; nothing is started.
    init(
        workers: Int, schedulers: Int, servers: ChaosServers, clocks: WorkerClocks, folder: String,
        environment: [String: String], bases: [String], workerArguments: [String]
    ) throws {
        workerCount = workers
        self.folder = folder
        let lines = try (0..<workers + schedulers).map { _ in try Line(servers) }
        self.lines = lines
        members = Mutex(
            lines.enumerated().map { index, line in
                let isWorker = index < workers
                let name = isWorker ? "worker-\(index)" : "scheduler-\(index - workers)"
                var variables = environment
                variables["ATTUNE_DSN"] = line.conninfo
                variables["ATTUNE_S3_ENDPOINT"] = "http://127.0.0.1:\(line.store.port)"
                let arguments =
                    isWorker
                    ? [
                        "worker", "--name", name, "--clock-offset", clocks.file(index), "--base", bases[0], "--base",
                        bases[1],
                    ]
                        + workerArguments
                    : ["scheduler", "--name", name, "--tick", "0.25"]
                return Member(name: name, arguments: arguments, environment: variables)
            })
    }

    /// The place of a scheduler among the members.
    func scheduler(_ index: Int) -> Int { workerCount + index }

    /// What ended by itself though nobody had killed it, with its last words.
    var unexpectedEndings: [String] { mishaps.withLock { $0 } }
    /// How often processes were started.
    var starts: Int { members.withLock { $0.reduce(0) { $0 + $1.starts } } }

    /// Starts whoever does not run, until the crew is dismissed.
    func superviseUntilDismissed() async throws {
        while !isOver.withLock({ $0 }) {
            try members.withLock { members in
                for index in members.indices where members[index].process?.isRunning != true {
                    if let process = members[index].process, !members[index].wasKilled,
                        let misfortune = try process.misfortune()
                    {
                        mishaps.withLock { $0.append("\(members[index].name): \(misfortune)") }
                    }
                    members[index].process = try ChildProcess(
                        members[index].arguments, environment: members[index].environment,
                        log: "\(folder)/\(members[index].name).log")
                    members[index].wasKilled = false
                    members[index].isPaused = false
                    members[index].starts += 1
                }
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    /// SIGKILL; false when it does not run.
    func kill(_ index: Int) -> Bool {
        members.withLock { members in
            guard let process = members[index].process, process.isRunning, !members[index].wasKilled else {
                return false
            }
            members[index].wasKilled = true
            process.signal(SIGKILL)
            return true
        }
    }

    /// SIGSTOP, and SIGCONT after so many seconds; nil when it is not there to be stopped.
    func pause(_ index: Int, seconds: Double) -> Task<Void, any Error>? {
        let process: ChildProcess? = members.withLock { members in
            guard let process = members[index].process, process.isRunning, !members[index].isPaused,
                !members[index].wasKilled
            else { return nil }
            members[index].isPaused = true
            process.signal(SIGSTOP)
            return process
        }
        guard let process else { return nil }
        return Task {
            defer { self.goOn(index, process) }
            try await Task.sleep(for: .seconds(seconds))
        }
    }

    private func goOn(_ index: Int, _ process: ChildProcess) {
        process.signal(SIGCONT)
        members.withLock { if $0[index].process === process { $0[index].isPaused = false } }
    }

    /// Nothing is lost, cut, refused, held or stopped any more.
    func heal() {
        for line in lines {
            line.database.endStall()
            line.store.endStall()
            line.lostReplies.clear()
            line.storeFaults.clear()
        }
        members.withLock { for index in $0.indices { $0[index].process?.signal(SIGCONT) } }
    }

    /// Asks everyone to end in order and waits for it; returns who did not within so many seconds, or ended badly.
    func dismiss(within seconds: Double) async throws -> [String] {
        isOver.withLock { $0 = true }
        let all = members.withLock { members in members.compactMap { member in member.process.map { (member, $0) } } }
        for (_, process) in all { process.signal(SIGTERM) }
        let end = ContinuousClock.now + .seconds(seconds)
        while all.contains(where: { $0.1.isRunning }), ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(50))
        }
        var late: [String] = []
        for (member, process) in all {
            if process.isRunning {
                late.append("\(member.name): still runs \(Int(seconds)) s after SIGTERM")
                process.signal(SIGKILL)
            } else if let misfortune = try process.misfortune(), !member.wasKilled {
                late.append("\(member.name): \(misfortune)")
            }
        }
        return late
    }

    /// Ends everyone at once and closes the proxies.
    func end() {
        isOver.withLock { $0 = true }
        members.withLock { for index in $0.indices { $0[index].process?.signal(SIGKILL) } }
        for line in lines {
            line.database.close()
            line.store.close()
        }
    }
}
