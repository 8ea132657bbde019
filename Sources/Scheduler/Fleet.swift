import Queue

/// Lanes on workers as dense arrays, while a plan is made; workers and lanes are indices here. Loads and weights are
/// milliseconds of a reference worker, times are seconds.
struct Fleet {
    private let lanes: [LaneLoad]
    let workers: [WorkerLoad]
    private let rules: LanePlan.Rules
    /// Milliseconds of reference work a second.
    let speeds: [Double]
    let weights: [Double]
    /// Each lane's worker before and after; nil: nobody that lives.
    let before: [Int?]
    private(set) var after: [Int?]
    private(set) var loads: [Double]
    let bound: FinishBound

    init(lanes: [LaneLoad], workers: [WorkerLoad], rules: LanePlan.Rules) {
        self.lanes = lanes
        self.workers = workers
        self.rules = rules
        // One that has not been measured is taken for an ordinary one.
        let known = workers.compactMap(\.speed).sorted()
        let ordinary = known.isEmpty ? 1 : known[known.count / 2]
        let speeds = workers.map { max(1e-6, $0.speed ?? ordinary) * 1000 }
        self.speeds = speeds
        let each = rules.calmSeconds * speeds.reduce(0, +) / Double(lanes.count)
        let weights = lanes.map { max(0, $0.costMilliseconds) + each }
        self.weights = weights
        let index = Dictionary(uniqueKeysWithValues: workers.enumerated().map { ($1.workerID, $0) })
        before = lanes.map { lane in lane.workerID.flatMap { index[$0] } }
        after = before
        loads = workers.map { max(0, $0.inHandMilliseconds) }
        for (lane, worker) in before.enumerated() { if let worker { loads[worker] += weights[lane] } }
        bound = FinishBound(
            costs: weights, inHand: workers.reduce(0) { $0 + max(0, $1.inHandMilliseconds) },
            speeds: speeds.map { $0 / 1000 })
    }

    /// Lanes that nobody alive owns.
    var orphans: [Int] { before.indices.filter { before[$0] == nil } }

    /// Seconds until the last worker is done.
    var finish: Double { loads.indices.reduce(0) { max($0, loads[$1] / speeds[$1]) } }

    var moveCount: Int { after.indices.count { after[$0] != before[$0] } }

    /// What has changed; orphans first.
    var moves: [LaneMove] {
        let changed = after.indices.filter { after[$0] != before[$0] }
        return (changed.filter { before[$0] == nil } + changed.filter { before[$0] != nil }).map {
            LaneMove(
                lane: lanes[$0].lane, generation: lanes[$0].generation,
                workerID: after[$0].map { workers[$0].workerID })
        }
    }

    private func mayMove(_ lane: Int) -> Bool { lanes[lane].restedSeconds >= rules.restSeconds }

    /// Whether a lane has not moved in this plan, and may.
    func isStaying(_ lane: Int) -> Bool { after[lane] != nil && before[lane] == after[lane] && mayMove(lane) }

    mutating func give(_ lane: Int, to worker: Int?) {
        if let owner = after[lane] { loads[owner] -= weights[lane] }
        if let worker { loads[worker] += weights[lane] }
        after[lane] = worker
    }

    /// The lanes of each worker for which `isAsked`.
    func lanesByWorker(where isAsked: (Int) -> Bool) -> [Int: [Int]] {
        let asked = workers.indices.map(isAsked)
        guard asked.contains(true) else { return [:] }
        var owned = [[Int]](repeating: [], count: workers.count)
        for lane in after.indices {
            if let worker = after[lane], asked[worker], mayMove(lane) { owned[worker].append(lane) }
        }
        return Dictionary(uniqueKeysWithValues: owned.enumerated().lazy.filter { !$1.isEmpty }.map { ($0, $1) })
    }

    /// With every worker below the aim, as far as lanes allow. Where they are coarse the aim cannot be reached; then the
    /// least finish found is the aim, for fewer moves.
    func rebalanced(_ orphans: [Int], to aim: Double) -> Fleet {
        var best = self
        best.rebalance(orphans, to: aim)
        for _ in 0..<3 where best.finish > aim * 1.001 {
            var again = self
            again.rebalance(orphans, to: best.finish)
            guard again.finish <= best.finish, again.moveCount < best.moveCount else { break }
            best = again
        }
        return best
    }

    /// Whether a worker has far less than it could.
    var hasStarved: Bool { workers.count > 1 && workers.indices.contains { isStarved($0) } }

    private func isStarved(_ worker: Int) -> Bool {
        loads[worker] < bound.seconds * (1 - rules.starvesBelow) * speeds[worker]
    }

    /// Takes from every worker above the aim the fewest lanes that bring it there, and places them with the orphans.
    private mutating func rebalance(_ orphans: [Int], to aim: Double) {
        var pool = orphans
        let owned = lanesByWorker { loads[$0] > aim * speeds[$0] }
        for worker in owned.keys.sorted() {
            let mine = (owned[worker] ?? []).sorted { (weights[$0], $0) < (weights[$1], $1) }
            for lane in Self.fewest(mine, reaching: loads[worker] - aim * speeds[worker], weights) {
                give(lane, to: nil)
                pool.append(lane)
            }
        }
        place(pool, below: aim)
    }

    /// Of lanes in the order of their weights, the fewest that weigh `excess` together: the heaviest, and last the
    /// lightest that suffices.
    static func fewest(_ lanes: [Int], reaching excess: Double, _ weights: [Double]) -> [Int] {
        var (rest, excess) = (lanes, excess)
        var chosen: [Int] = []
        while excess > 0, let heaviest = rest.last {
            if weights[heaviest] < excess {
                chosen.append(rest.removeLast())
                excess -= weights[heaviest]
                continue
            }
            var (low, high) = (0, rest.count - 1)
            while low < high {
                let middle = (low + high) / 2
                if weights[rest[middle]] >= excess { high = middle } else { low = middle + 1 }
            }
            chosen.append(rest[low])
            break
        }
        return chosen
    }

    /// Fills up workers that have far less than they could from those that finish last, as long as the giver's finish
    /// stays the later one by a tenth.
    mutating func fillStarved() {
        let aim = bound.seconds * (1 + rules.aimsWithin)
        let low = bound.seconds * (1 - rules.starvesBelow)
        let full = bound.seconds * (1 - rules.starvesBelow / 2)
        let starved = workers.indices.filter { isStarved($0) }
        guard !starved.isEmpty, workers.count > 1 else { return }
        var owned = lanesByWorker { loads[$0] > full * speeds[$0] }
        for worker in owned.keys { owned[worker]?.sort { (weights[$0], $0) < (weights[$1], $1) } }
        var givers = IndexHeap(workers.indices.map { owned[$0] == nil ? -.infinity : loads[$0] / speeds[$0] })
        for taker in starved.sorted(by: { (loads[$0] / speeds[$0], $0) < (loads[$1] / speeds[$1], $1) }) {
            while loads[taker] < full * speeds[taker], givers.topKey > -.infinity {
                let giver = givers.top
                let most = min(
                    aim * speeds[taker] - loads[taker], 0.9 * givers.topKey * speeds[taker] - loads[taker],
                    loads[giver] - low * speeds[giver])
                guard let place = owned[giver]?.lastIndex(where: { weights[$0] <= most }),
                    let lane = owned[giver]?.remove(at: place)
                else {
                    givers.update(giver, -.infinity)
                    continue
                }
                give(lane, to: taker)
                givers.update(giver, loads[giver] / speeds[giver])
            }
        }
    }
}
