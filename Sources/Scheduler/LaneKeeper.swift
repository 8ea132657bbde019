import FoundationEssentials
import Logging
import Queue

/// The leader's part in the lanes: reads what waits, plans, moves, and says how many workers are wanted.
///
/// Everything it remembers can be read again from the database: a new leader plans at its first tick as the old one would
/// have, and lanes stay with their owners meanwhile (QUEUE rule 15).
actor LaneKeeper {
    private let queue: SchedulerQueue
    private let logger: Logger
    private let rules: LanePlan.Rules
    private let start = ContinuousClock.now
    private var ledger = LaneLedger()
    private var arrival: ArrivalRate?
    private var target: WorkerTarget?
    private var laneCount = LaneCount()
    private var tendedAt = -Double.infinity

    init(queue: SchedulerQueue, logger: Logger, rules: LanePlan.Rules = LanePlan.Rules()) {
        self.queue = queue
        self.logger = logger
        self.rules = rules
    }

    /// A leadership begins: what an earlier one remembered is out of date.
    func begin() {
        ledger = LaneLedger()
        (arrival, target) = (nil, nil)
        laneCount = LaneCount()
    }

    /// One round: a plan, and every few seconds what needs no haste.
    func tick(epoch: Int64) async throws {
        ledger.note(try await queue.sightings(since: ledger.since))
        let lanes = ledger.loads(try await queue.lanes())
        let workers = try await queue.liveWorkers()
        let plan = LanePlan.make(lanes: lanes, workers: workers, rules: rules)
        if !plan.moves.isEmpty {
            let moved = try await queue.move(Array(plan.moves.prefix(LanePlan.movesPerTick)), epoch: epoch)
            logger.info(
                "lanes moved",
                metadata: [
                    "count": "\(moved.count)", "finish_before_s": "\(Int(plan.finishBefore.rounded()))",
                    "finish_after_s": "\(Int(plan.finishAfter.rounded()))",
                    "best_s": "\(Int(plan.bound.seconds.rounded()))", "binds": "\(plan.bound.term.rawValue)",
                ])
        }
        let seconds = Double((ContinuousClock.now - start).components.seconds)
        if seconds - tendedAt >= 5 {
            tendedAt = seconds
            try await queue.sampleLanes(ledger.unseen(lanes))
            try await queue.learnCosts()
            try await queue.pruneSamples(epoch: epoch)
            try await decide(lanes, workers, epoch, seconds)
            try await raiseLanes(workers.count, epoch, seconds)
        }
    }

    private func raiseLanes(_ live: Int, _ epoch: Int64, _ seconds: Double) async throws {
        let now = try await queue.laneSettings()
        guard let count = laneCount.raised(lanes: now.lanes, live: live, perWorker: now.perWorker, at: seconds) else {
            return
        }
        let made = try await queue.raiseLanes(to: count, epoch: epoch)
        if made > 0 { logger.info("lanes made", metadata: ["count": "\(made)", "live": "\(live)"]) }
    }

    private func decide(_ lanes: [LaneLoad], _ workers: [WorkerLoad], _ epoch: Int64, _ seconds: Double) async throws {
        var wanted = try await queue.workerTarget()
        var arrival = self.arrival ?? ArrivalRate(wanted.arrival)
        var target =
            self.target
            ?? WorkerTarget(
                desired: wanted.desired, needed: wanted.needed,
                lowerSince: wanted.lowerForSeconds.map { seconds - $0 }, mostSince: wanted.needed)
        let backlog =
            lanes.reduce(0) { $0 + $1.costMilliseconds } + workers.reduce(0) { $0 + $1.inHandMilliseconds }
        arrival.note(backlog: backlog, done: workers.reduce(0) { $0 + $1.doneMilliseconds }, at: seconds)
        let speeds = workers.compactMap(\.speed)
        let each = speeds.isEmpty ? 1 : speeds.reduce(0, +) / Double(speeds.count)
        target.decide(
            WorkerTarget.Load(
                backlogMilliseconds: backlog, arrival: arrival.rate, speedEach: each, live: workers.count),
            WorkerTarget.Limits(
                drainSeconds: Double(wanted.drainSeconds), least: wanted.least, most: wanted.most,
                shrinkAfterSeconds: Double(wanted.shrinkAfterSeconds)), at: seconds)
        if target.desired != wanted.desired {
            logger.info("workers wanted", metadata: ["desired": "\(target.desired)", "live": "\(workers.count)"])
        }
        (wanted.desired, wanted.needed) = (target.desired, target.needed)
        wanted.lowerForSeconds = target.lowerSince.map { seconds - $0 }
        (wanted.backlogMilliseconds, wanted.arrival) = (backlog, arrival.rate)
        (wanted.speedEach, wanted.live) = (each, workers.count)
        try await queue.want(wanted, epoch: epoch)
        (self.arrival, self.target) = (arrival, target)
    }
}
