public import Queue

/// Which lanes move to whom: a pure function of who lives and who owns what.
///
/// Lanes of workers that are gone are given out first, each to the worker that then owns fewest; after that lanes move
/// from the fullest worker to the emptiest while they differ by more than one. No lane moves twice, and a lane of a
/// living worker moves only to even the counts, so the number of moves is the least that does.
public enum LanePlan {
    /// The moves that leave every living worker with the same number of lanes, give or take one.
    public static func moves(lanes: [LaneOwner], workers: [Int64]) -> [LaneMove] {
        guard !workers.isEmpty else { return [] }
        var owned: [Int64: [LaneOwner]] = Dictionary(uniqueKeysWithValues: workers.map { ($0, []) })
        var free: [LaneOwner] = []
        for lane in lanes {
            if let owner = lane.workerID, owned[owner] != nil { owned[owner]?.append(lane) } else { free.append(lane) }
        }
        // A worker with more than the ceiling gives up idle lanes first: their caches are cold anyway.
        let ceiling = (lanes.count + workers.count - 1) / workers.count
        for worker in workers {
            while let count = owned[worker]?.count, count > ceiling {
                let index = owned[worker]?.firstIndex { !$0.hasWork } ?? count - 1
                if let lane = owned[worker]?.remove(at: index) { free.append(lane) }
            }
        }
        var moves: [LaneMove] = []
        func give(_ lane: LaneOwner, to worker: Int64) {
            owned[worker]?.append(lane)
            moves.append(LaneMove(lane: lane.lane, generation: lane.generation, workerID: worker))
        }
        func emptiest() -> Int64 {
            workers.min { (owned[$0]?.count ?? 0, $0) < (owned[$1]?.count ?? 0, $1) } ?? workers[0]
        }
        for lane in free { give(lane, to: emptiest()) }
        while let fullest = workers.max(by: { (owned[$0]?.count ?? 0, $1) < (owned[$1]?.count ?? 0, $0) }),
            (owned[fullest]?.count ?? 0) - (owned[emptiest()]?.count ?? 0) > 1
        {
            let index = owned[fullest]?.firstIndex { !$0.hasWork } ?? 0
            guard let lane = owned[fullest]?.remove(at: index) else { break }
            give(lane, to: emptiest())
        }
        return moves
    }
}
