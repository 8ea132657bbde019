import Glibc
public import Queue

extension LanePlan {
    /// A number of moves that no plan with which every worker is done within `finishSeconds` can undercut.
    ///
    /// Each lane without a living owner moves, and of each worker above that time at least as many as bring it there. What
    /// leaves must also find a place; where no worker has room for a heavy lane, others must move for it. So let a lane
    /// of weight w pay ⌈w/r⌉ - 1 to the worker that takes it and be paid that by the one that it leaves, for any r > 0. Over
    /// all workers this cancels but for the unowned lanes, hence
    ///
    ///     moves = Σ unowned ⌈w/r⌉ + Σ workers (Σ out ⌈w/r⌉ - Σ in (⌈w/r⌉ - 1)).
    ///
    /// A worker with room c, its speed times that time less its load, takes at most c + Σ out w. What it is paid is a whole
    /// number below (c + Σ out w)/r <= c/r + Σ out ⌈w/r⌉, or 0: its term is at least -max(0, ⌈c/r⌉ - 1). A worker that is
    /// above by e gives up lanes of e or more; its term is at least the least, over such sets, of Σ ⌈w/r⌉ less
    /// max(0, ⌈c/r⌉ - 1) for the room c that it then has. The sum bounds the moves for every r; the largest of some counts.
    public static func leastMoves(
        lanes: [LaneLoad], workers: [WorkerLoad], finishSeconds: Double, rules: Rules = Rules()
    ) -> Int {
        guard !workers.isEmpty, !lanes.isEmpty else { return 0 }
        return Fleet(lanes: lanes, workers: workers, rules: rules).leastMoves(within: finishSeconds)
    }
}

extension Fleet {
    func leastMoves(within seconds: Double) -> Int {
        // A billionth is the rounding of sums in another order.
        let rooms = workers.indices.map { seconds * (1 + 1e-9) * speeds[$0] - loads[$0] }
        let above = lanesByWorker { rooms[$0] < 0 }.map { worker, lanes in
            (excess: -rooms[worker], weights: lanes.map { weights[$0] }.sorted(by: >))
        }
        let unowned = orphans.map { weights[$0] }
        let largest = max(weights.max() ?? 0, .leastNormalMagnitude)
        var most = 0
        // From the largest lane, where none pays, to about a sixth of it.
        for step in 0...256 {
            let part = Part(largest * (step == 0 ? 1.001 : pow(2, -Double(step) / 96)))
            var moves = unowned.reduce(0) { $0 + part.count($1) }
            if step > 0 { for room in rooms where room > 0 { moves -= part.count(room) - 1 } }
            for worker in above { moves += part.leastRelease(worker.weights, worker.excess, isPaid: step > 0) }
            most = max(most, moves)
        }
        return most
    }
}

/// Weights counted in parts of one size.
struct Part {
    private let size: Double

    init(_ size: Double) { self.size = size }

    /// Parts that hold this weight, at least one.
    func count(_ weight: Double) -> Int { max(1, Int((weight / size * (1 - 1e-12)).rounded(.up))) }

    /// The least, over sets of these weights that sum to the excess, of their parts less what the room that is left can be
    /// paid.
    ///
    /// - Parameter weights: the heaviest first.
    func leastRelease(_ weights: [Double], _ excess: Double, isPaid: Bool) -> Int {
        let heavy = weights.prefix { count($0) > 1 }
        // Any set's parts less what is paid are at least its weight less what is left, over the size.
        guard heavy.count <= 12 else { return count(excess) }
        var sets: [(weight: Double, parts: Int)] = [(0, 0)]
        for weight in heavy { sets += sets.map { ($0.weight + weight, $0.parts + count(weight)) } }
        var (least, missing) = (weights.count, excess)
        // Of the light ones, which all are one part, the heaviest do best.
        for light in 0...(weights.count - heavy.count) {
            if light > 0 { missing -= weights[heavy.count + light - 1] }
            for set in sets where set.weight >= missing - excess * 1e-12 {
                let paid = isPaid ? count(set.weight - missing) - 1 : 0
                least = min(least, light + set.parts - paid)
            }
            if missing <= 0 { break }
        }
        return least
    }
}
