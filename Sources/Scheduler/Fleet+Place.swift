extension Fleet {
    /// Gives lanes that nobody has to workers, the heaviest first, each to whoever has most room below the aim. Where none
    /// has enough, a worker exchanges a lighter lane for it, which then looks for a place itself; where that does not
    /// help either, the lane goes to that one of the fastest that is then done first.
    mutating func place(_ pool: [Int], below aim: Double) {
        guard !pool.isEmpty else { return }
        var room = IndexHeap(workers.indices.map { aim * speeds[$0] - loads[$0] })
        var queue = HeaviestFirst(pool, weights)
        var exchange: Exchange?
        // An exchange is a move more. As many as lanes had to move anyhow are enough where lanes can be placed at all.
        var exchangesLeft = pool.count
        // What does not fit is a heavy lane, and what a heavy lane adds to a finish is least on a fast worker; all of them
        // would be dear to look at.
        var fastest: [Int]?
        while let lane = queue.next() {
            var worker = room.top
            if weights[lane] > room.topKey {
                let market = exchange ?? Exchange(fleet: self, room: room, waiting: queue.waiting(with: lane))
                exchange = market
                if exchangesLeft > 0, let offer = market.offer(for: lane, in: self, room: room) {
                    exchangesLeft -= 1
                    worker = offer.worker
                    give(offer.lane, to: nil)
                    queue.add(offer.lane)
                } else {
                    let candidates = fastest ?? Array(workers.indices.sorted { speeds[$0] > speeds[$1] }.prefix(512))
                    fastest = candidates
                    var least = (loads[worker] + weights[lane]) / speeds[worker]
                    for candidate in candidates where (loads[candidate] + weights[lane]) / speeds[candidate] < least {
                        (worker, least) = (candidate, (loads[candidate] + weights[lane]) / speeds[candidate])
                    }
                }
            }
            give(lane, to: worker)
            room.update(worker, aim * speeds[worker] - loads[worker])
        }
    }
}

/// Lanes in the order of their weights, the heaviest first, while lighter ones are added.
private struct HeaviestFirst {
    private let lanes: [(lane: Int, weight: Double)]
    private let weights: [Double]
    private var taken = 0
    /// Those added, the heaviest last.
    private var added: [Int] = []

    init(_ lanes: [Int], _ weights: [Double]) {
        self.lanes = lanes.map { ($0, weights[$0]) }.sorted { ($0.weight, $1.lane) > ($1.weight, $0.lane) }
        self.weights = weights
    }

    mutating func next() -> Int? {
        guard taken < lanes.count else { return added.popLast() }
        if let last = added.last, weights[last] >= lanes[taken].weight { return added.popLast() }
        taken += 1
        return lanes[taken - 1].lane
    }

    mutating func add(_ lane: Int) {
        var (low, high) = (0, added.count)
        while low < high {
            let middle = (low + high) / 2
            if weights[added[middle]] < weights[lane] { low = middle + 1 } else { high = middle }
        }
        added.insert(lane, at: low)
    }

    /// The weights of this lane and of those of the first that have not been taken, the largest first.
    func waiting(with lane: Int) -> [Double] { [weights[lane]] + lanes[taken...].lazy.map(\.weight) }
}
