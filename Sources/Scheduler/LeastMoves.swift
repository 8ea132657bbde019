public import Queue

extension LanePlan {
    /// The least number of moves with which any plan can have every worker done within `finishSeconds`: each lane without
    /// a living owner, and of each worker above that time the fewest lanes that bring it there. No plan needs fewer, since
    /// moves only add to the others.
    public static func leastMoves(
        lanes: [LaneLoad], workers: [WorkerLoad], finishSeconds: Double, rules: Rules = Rules()
    ) -> Int {
        guard !workers.isEmpty else { return 0 }
        return Fleet(lanes: lanes, workers: workers, rules: rules).leastMoves(within: finishSeconds)
    }
}

extension Fleet {
    func leastMoves(within seconds: Double) -> Int {
        let owned = lanesByWorker { excess($0, over: seconds) > 0 }
        return orphans.count
            + owned.reduce(0) { count, worker in
                let mine = worker.value.sorted { (weights[$0], $0) < (weights[$1], $1) }
                return count + Self.fewest(mine, reaching: excess(worker.key, over: seconds), weights).count
            }
    }

    /// A billionth is the rounding of sums in another order.
    private func excess(_ worker: Int, over seconds: Double) -> Double {
        loads[worker] - seconds * (1 + 1e-9) * speeds[worker]
    }
}
