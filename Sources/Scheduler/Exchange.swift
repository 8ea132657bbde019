/// What workers can do for a heavy lane that fits nowhere: take it, and give up a lighter one that is easier to place.
///
/// However it is done, the heavy lane is paid for with room: of the worker that takes it, of the one that takes the lane
/// given up, and so on. Few moves are made when few and large rooms are used, and used up. `part` is the smallest room that
/// is needed when the largest ones are used first; an exchange loses what it leaves over, and what its parts lack of that.
struct Exchange {
    private struct Offer {
        /// The heaviest lane that fits, with this room and without the lane given up.
        var weight: Double
        var worker: Int
        var lane: Int
        var room: Double
    }

    /// Offers looked at for a lane.
    private static let looks = 256
    private let part: Double
    /// By the weight that fits, the smallest first. An offer ends when its worker's room changes.
    private let offers: [Offer]

    /// - Parameters:
    ///   - room: each worker's.
    ///   - waiting: weights of the lanes to be placed, the largest first.
    init(fleet: borrowing Fleet, room: borrowing IndexHeap, waiting: [Double]) {
        let part = Self.part(room.values, waiting)
        var offers: [Offer] = []
        // Far smaller rooms are left to lanes that fit into them.
        for lane in fleet.weights.indices where fleet.isStaying(lane) {
            guard let worker = fleet.after[lane], room.key(worker) > part / 4 else { continue }
            let space = room.key(worker)
            offers.append(Offer(weight: space + fleet.weights[lane], worker: worker, lane: lane, room: space))
        }
        self.offers = offers.sorted { ($0.weight, $0.lane) < ($1.weight, $1.lane) }
        self.part = part
    }

    /// The worker to take a lane, and the lighter one that it gives up; nil: none can.
    func offer(for lane: Int, in fleet: borrowing Fleet, room: borrowing IndexHeap) -> (worker: Int, lane: Int)? {
        let weight = fleet.weights[lane]
        var (best, least) = (Int?.none, Double.infinity)
        var (place, looked) = (first(fitting: weight), 0)
        while place < offers.count, looked < Self.looks {
            let offer = offers[place]
            let over = offer.weight - weight
            if over >= least { break }
            let given = fleet.weights[offer.lane]
            if given < weight, room.key(offer.worker) == offer.room, fleet.after[offer.lane] == offer.worker {
                looked += 1
                let loss = over + max(0, part - offer.room) + max(0, part - given)
                if loss < least { (best, least) = (place, loss) }
            }
            place += 1
        }
        return best.map { (offers[$0].worker, offers[$0].lane) }
    }

    private func first(fitting weight: Double) -> Int {
        var (low, high) = (0, offers.count)
        while low < high {
            let middle = (low + high) / 2
            if offers[middle].weight >= weight { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// The room from which on the larger ones hold all lanes together that are heavier than it; 0: there is none.
    static func part(_ rooms: [Double], _ waiting: [Double]) -> Double {
        var (heavy, held, next) = (0.0, 0.0, 0)
        for room in rooms.sorted(by: >) where room > 0 {
            while next < waiting.count, waiting[next] > room {
                heavy += waiting[next]
                next += 1
            }
            held += room
            if held >= heavy { return room }
        }
        return 0
    }
}
