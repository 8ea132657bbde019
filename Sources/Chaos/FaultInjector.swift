import Embedded
import Foundation
import Loopback
import Postgres
import Problem
import Schema
import Synchronization

/// Makes a planned fault happen.
final class FaultInjector: Sendable {
    private let crew: Crew
    private let servers: ChaosServers
    private let clocks: WorkerClocks
    private let producers: Crew.Line
    private let operators: Crew.Line
    private let counts = Mutex<[Fault.Kind: Int]>([:])
    private let lasting = Mutex<[Task<Void, any Error>]>([])
    private let offsets: Mutex<[Int]>

    init(crew: Crew, servers: ChaosServers, clocks: WorkerClocks, producers: Crew.Line, operators: Crew.Line) {
        (self.crew, self.servers, self.clocks) = (crew, servers, clocks)
        (self.producers, self.operators) = (producers, operators)
        offsets = Mutex([Int](repeating: 0, count: crew.workerCount))
    }

    /// Kinds that cannot happen on this machine, and what is missing.
    var impossible: [Fault.Kind: String] {
        if servers.volume != nil { return [:] }
        return [.fillDisk: "no small disk can be mounted here: \(servers.volumeProblem ?? "run as root")"]
    }

    /// How often each kind happened. Losses that were ordered and met nothing are not counted.
    var happened: [Fault.Kind: Int] {
        var counts = counts.withLock { $0 }
        for line in crew.lines + [producers, operators] {
            counts[.loseReply, default: 0] -= line.lostReplies.waitingCount
            for order in line.storeFaults.waiting {
                switch order {
                case .loseReplyToPut: counts[.losePutReply, default: 0] -= 1
                case .cutPut: counts[.cutPut, default: 0] -= 1
                case .refuse: break
                }
            }
        }
        return counts
    }

    /// Makes it happen; returns when it has, or, where it lasts on its own, has begun.
    func inject(_ fault: Fault) async throws {
        guard impossible[fault.kind] == nil, try await attempt(fault) else { return }
        counts.withLock { $0[fault.kind, default: 0] += 1 }
    }

    /// Ends what lasts, and sees that both servers run.
    func heal() async throws {
        for index in 0..<crew.workerCount { try clocks.set(index, to: 0) }
        crew.heal()
        for task in lasting.withLock({ $0 }) {
            task.cancel()
            _ = await task.result
        }
        for line in [producers, operators] {
            line.database.endStall()
            line.lostReplies.clear()
        }
        try servers.volume?.makeRoom()
        try await servers.ensurePostgres()
        try await offPool { [servers] in try servers.store.start() }
    }

    private func line(_ client: Fault.Client) -> Crew.Line {
        switch client {
        case .worker(let index): crew.lines[index]
        case .scheduler(let index): crew.lines[crew.scheduler(index)]
        case .producers: producers
        case .operators: operators
        }
    }

    private func attempt(_ fault: Fault) async throws -> Bool {
        switch fault {
        case .killWorker(let index): return crew.kill(index)
        case .killScheduler(let index): return crew.kill(crew.scheduler(index))
        case .pauseWorker(let index, let seconds): return keep(crew.pause(index, seconds: seconds))
        case .pauseScheduler(let index, let seconds): return keep(crew.pause(crew.scheduler(index), seconds: seconds))
        case .cutDatabase(let client): return line(client).database.cut() > 0
        case .stallDatabase(let client, let seconds): line(client).database.stall(seconds: seconds)
        case .loseReply(let client, let effect): line(client).lostReplies.add(effect.rawValue)
        case .losePutReply(let worker): crew.lines[worker].storeFaults.add(.loseReplyToPut)
        case .cutPut(let worker): crew.lines[worker].storeFaults.add(.cutPut)
        case .refuseStore(let worker, let status, let requests):
            for _ in 0..<requests { crew.lines[worker].storeFaults.add(.refuse(status: status)) }
        case .stallStore(let worker, let seconds): crew.lines[worker].store.stall(seconds: seconds)
        case .moveClock(let worker, let jump):
            let offset = offsets.withLock { offsets in
                offsets[worker] += jump
                return offsets[worker]
            }
            try clocks.set(worker, to: offset)
        case .pinHorizon(let seconds): return keep(Task { try await self.pinHorizon(seconds) })
        case .killStore:
            try await offPool { [servers] in
                try servers.store.killGateway()
                try servers.store.start()
            }
        case .fillDisk(let seconds):
            try servers.volume?.fill()
            try await Task.sleep(for: .seconds(seconds))
            try servers.volume?.makeRoom()
            try await servers.ensurePostgres()
        case .crashPostgres:
            try await offPool { [servers] in try servers.postgres.kill() }
            try await servers.ensurePostgres()
        case .restartPostgres:
            try await offPool { [servers] in try servers.postgres.stop(immediate: true) }
            try await servers.ensurePostgres()
        }
        return true
    }

    private func keep(_ task: Task<Void, any Error>?) -> Bool {
        guard let task else { return false }
        lasting.withLock { $0.append(task) }
        return true
    }

    /// A session that looks at one moment and does not let go of it.
    private func pinHorizon(_ seconds: Double) async throws {
        let connection = try await Connection.open(servers.postgres.conninfo)
        do {
            try await connection.withTransaction(.repeatableRead) { connection in
                try await connection.execute(Statement(SQL.Chaos.now))
                try await Task.sleep(for: .seconds(seconds))
            }
        } catch {
            await connection.close()
            throw error
        }
        await connection.close()
    }
}
