import Glibc
import Queue
import Scheduler

/// The lane plan on made-up fleets: time, distance to the best possible finish, and moves beside the least there could be.
public struct PlanBench: Sendable {
    /// Sizes; the defaults are those of the published figures.
    public struct Configuration: Sendable, Codable {
        /// Workers.
        public var workers = 10_000
        /// Lanes.
        public var lanes = 100_000
        /// Exponent of the lanes' costs: the n-th costliest costs 1 / n^exponent, as far as the cap allows.
        public var exponent = 1.1
        /// A lane has at most this share of a mean worker's work.
        public var largestLaneShare = 0.5
        /// The fastest worker over the slowest; speeds between are spread evenly by their logarithm.
        public var speedRatio = 10.0
        /// Seconds that the work takes all workers together at the least.
        public var idealSeconds = 600.0
        /// How far above the best a finish may be that needs fewer moves.
        public var tolerance = 0.05
        /// Times that each plan is made.
        public var repeats = 7
        /// Seed of speeds and of which lane costs what.
        public var seed: UInt64 = 1

        /// The defaults.
        public init() {}
    }

    /// One situation's plan.
    public struct Row: Sendable, Codable {
        /// The situation.
        public var situation: String
        /// Median milliseconds of making the plan.
        public var milliseconds: Double
        /// Largest finish time over the bound, before and after the moves; lanes without an owner are left out before.
        public var before: Double
        /// See `before`.
        public var after: Double
        /// What binds.
        public var binds: String
        /// Lanes moved.
        public var moves: Int
        /// A number of moves that no plan undercuts whose finish is within the tolerance of the best, or as this plan's.
        public var least: Int
    }

    /// The generator SplitMix64, so that a seed means the same everywhere.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    private let configuration: Configuration
    private var random: Generator

    /// A run.
    public init(_ configuration: Configuration) {
        self.configuration = configuration
        random = Generator(state: configuration.seed)
    }

    /// Costs of the lanes in milliseconds, capped so that none has more than its share of a mean worker's work.
    private mutating func costs(total: Double) -> [Double] {
        let raw = (1...configuration.lanes).map { 1 / pow(Double($0), configuration.exponent) }
        let cap = configuration.largestLaneShare * total / Double(configuration.workers)
        // The scale at which the capped costs sum to the total.
        var (low, high) = (0.0, total * Double(configuration.lanes))
        for _ in 0..<200 {
            let middle = (low + high) / 2
            if raw.reduce(0, { $0 + min(cap, $1 * middle) }) < total { low = middle } else { high = middle }
        }
        return raw.map { min(cap, $0 * low) }.shuffled(using: &random)
    }

    /// Plans the situations that there are: everything unowned, ownership by count under skewed costs, nothing to do,
    /// workers that slow down, that join and that are lost, a tenth of them each; and the ticks until all lanes of the lost
    /// are owned again.
    public mutating func run() -> (rows: [Row], ticksAfterLoss: Int) {
        let workers = (0..<configuration.workers).map { index in
            let place = Double.random(in: 0...1, using: &random)
            return WorkerLoad(workerID: Int64(index + 1), speed: pow(configuration.speedRatio, place - 1))
        }
        let capacity = workers.reduce(0) { $0 + ($1.speed ?? 0) }
        let lanes = costs(total: configuration.idealSeconds * capacity * 1000).enumerated().map {
            LaneLoad(lane: Int32($0), workerID: nil, generation: 0, costMilliseconds: $1)
        }
        var rows: [Row] = []
        rows.append(row("all lanes unowned", lanes, workers).row)
        let counted = lanes.map { lane in
            var lane = lane
            lane.workerID = Int64(lane.lane) % Int64(workers.count) + 1
            return lane
        }
        let (skewed, owned) = row("owned by count, costs skewed", counted, workers)
        rows.append(skewed)
        rows.append(row("balanced", owned, workers).row)
        let slowed = workers.map { worker in
            var worker = worker
            if Int.random(in: 0..<10, using: &random) == 0 {
                worker.speed = (worker.speed ?? 1) * .random(in: 0.1...0.5, using: &random)
            }
            return worker
        }
        rows.append(row("a tenth of the workers slowed", owned, slowed).row)
        let joined = (0..<configuration.workers / 10).map { index in
            let place = Double.random(in: 0...1, using: &random)
            return WorkerLoad(
                workerID: Int64(workers.count + index + 1), speed: pow(configuration.speedRatio, place - 1))
        }
        rows.append(row("a tenth more workers joined", owned, workers + joined).row)
        let left = workers.filter { _ in Int.random(in: 0..<10, using: &random) != 0 }
        var (loss, after) = row("a tenth of the workers lost", owned, left)
        rows.append(loss)
        let ids = Set(left.map(\.workerID))
        var ticks = 1
        while after.contains(where: { lane in !(lane.workerID.map(ids.contains) ?? false) }), ticks < 100 {
            ticks += 1
            (loss, after) = row("", after, left)
        }
        return (rows, ticks)
    }

    /// Times and judges a plan by the costs alone, and carries out as many moves as a tick makes.
    private func row(
        _ situation: String, _ lanes: [LaneLoad], _ workers: [WorkerLoad]
    ) -> (row: Row, after: [LaneLoad]) {
        var plan = LanePlan()
        var times: [Double] = []
        for _ in 0..<(situation.isEmpty ? 1 : configuration.repeats) {
            let start = ContinuousClock.now
            plan = LanePlan.make(lanes: lanes, workers: workers)
            let span = (ContinuousClock.now - start).components
            times.append(Double(span.seconds) * 1000 + Double(span.attoseconds) * 1e-15)
        }
        let byLane = Dictionary(
            uniqueKeysWithValues: plan.moves.prefix(LanePlan.movesPerTick).map { ($0.lane, $0.workerID) })
        let all = Dictionary(uniqueKeysWithValues: plan.moves.map { ($0.lane, $0.workerID) })
        let planned = lanes.map { lane in
            var lane = lane
            if let owner = all[lane.lane] { lane.workerID = owner }
            return lane
        }
        let moved = lanes.map { lane in
            var lane = lane
            if let owner = byLane[lane.lane] { lane.workerID = owner }
            return lane
        }
        let bound = FinishBound(costs: lanes.map(\.costMilliseconds), speeds: workers.map { $0.speed ?? 1 })
        let row = Row(
            situation: situation, milliseconds: times.sorted()[times.count / 2],
            before: finish(lanes, workers) / bound.seconds, after: finish(planned, workers) / bound.seconds,
            binds: bound.term.rawValue, moves: plan.moves.count,
            least: LanePlan.leastMoves(
                lanes: lanes, workers: workers,
                finishSeconds: max(plan.finishAfter, plan.bound.seconds * (1 + configuration.tolerance))))
        return (row, moved)
    }

    /// Seconds until the last worker is done.
    private func finish(_ lanes: [LaneLoad], _ workers: [WorkerLoad]) -> Double {
        var loads: [Int64: Double] = [:]
        for lane in lanes { if let owner = lane.workerID { loads[owner, default: 0] += lane.costMilliseconds } }
        return workers.reduce(0) { max($0, (loads[$1.workerID] ?? 0) / ($1.speed ?? 1) / 1000) }
    }
}
