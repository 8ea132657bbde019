import Foundation
import Queue
import Scheduler
import Testing

/// Plans of larger fleets under skewed costs, and the lower bound of moves itself.
@Suite struct LanePlanFleetTests {
    @Test(
        "slowed, lost and joining workers leave the finish within a twentieth of the best, with few moves",
        arguments: 1...4)
    func changes(seed: UInt64) {
        var fleet = Zipf(seed: seed, workers: 400, lanes: 4000)
        let first = fleet.change("everything unowned")
        #expect(first.moves == first.least, "seed \(seed)")
        for index in fleet.lanes.indices { fleet.lanes[index].workerID = Int64(index % 400) + 1 }
        fleet.change("owned by count")
        let even = fleet
        for index in fleet.workers.indices where index % 10 == 0 {
            fleet.workers[index].speed = fleet.workers[index].speed.map {
                $0 * .random(in: 0.1...0.5, using: &fleet.random)
            }
        }
        fleet.change("slowed")
        fleet = even
        fleet.workers.removeAll { $0.workerID % 10 == 3 }
        fleet.change("lost")
        fleet = even
        fleet.workers += (1...40).map {
            WorkerLoad(workerID: 1000 + $0, speed: .random(in: 0.1...1, using: &fleet.random))
        }
        fleet.change("joined")
        #expect(fleet.plan().moves.isEmpty, "seed \(seed): it settles at once")
    }

    @Test("a heavy lane that fits nowhere is exchanged for a lighter one")
    func exchange() {
        // The third can have neither of its lanes; there is room for the heavy one only where a lighter one leaves.
        let costs: [(Int64, Double)] = [(1, 60), (1, 30), (2, 58), (2, 32), (3, 60), (3, 12), (4, 46), (4, 18)]
        let lanes = costs.enumerated().map {
            LaneLoad(lane: Int32($0), workerID: $1.0, generation: 0, costMilliseconds: $1.1 * 10_000)
        }
        let workers = (1...4).map { WorkerLoad(workerID: $0, speed: $0 == 3 ? 0.05 : 1) }
        let plan = LanePlan.make(lanes: lanes, workers: workers)
        #expect(plan.finishAfter < 1.08 * plan.bound.seconds, "\(plan.finishAfter) of \(plan.bound.seconds)")
        let heavy = plan.moves.first { $0.lane == 4 }?.workerID
        #expect(plan.moves.contains { move in lanes[Int(move.lane)].workerID == heavy }, "it made room for it")
    }

    @Test("no assignment within the time takes fewer moves than the bound", arguments: 1...400)
    func bound(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        let workers = (1...Int64.random(in: 2...4, using: &random)).map {
            WorkerLoad(workerID: $0, speed: [0.25, 0.5, 1].randomElement(using: &random))
        }
        let lanes = (0..<Int32.random(in: 2...6, using: &random)).map { lane in
            LaneLoad(
                lane: lane, workerID: .random(in: 0...Int64(workers.count), using: &random), generation: 0,
                costMilliseconds: 10_000 * Double(Int.random(in: 1...9, using: &random)))
        }
        let situation = Situation(lanes: lanes, workers: workers)
        var rules = LanePlan.Rules()
        rules.calmSeconds = 0
        var fewest: [(finish: Double, moves: Int)] = []
        for number in 0..<Int(pow(Double(workers.count), Double(lanes.count))) {
            var (rest, moves, loads) = (number, 0, [Double](repeating: 0, count: workers.count))
            for lane in situation.lanes {
                let worker = rest % workers.count
                rest /= workers.count
                loads[worker] += lane.costMilliseconds
                if lane.workerID != workers[worker].workerID { moves += 1 }
            }
            let finish = zip(loads, workers).map { $0 / ($1.speed ?? 1) / 1000 }.max() ?? 0
            fewest.append((finish, moves))
        }
        for finish in Set(fewest.map(\.finish)) {
            let needed = fewest.filter { $0.finish <= finish * (1 + 1e-9) }.map(\.moves).min()
            let least = LanePlan.leastMoves(lanes: lanes, workers: workers, finishSeconds: finish, rules: rules)
            #expect(least <= needed ?? 0, "seed \(seed): \(least) for \(finish) s, and \(needed ?? 0) do")
        }
    }
}

/// Lanes whose costs fall as 1 / n^1.1, none above half a mean worker's share, on workers of which the fastest is ten
/// times as fast as the slowest.
private struct Zipf {
    var lanes: [LaneLoad]
    var workers: [WorkerLoad]
    var random: SeededGenerator
    private let seed: UInt64

    init(seed: UInt64, workers count: Int, lanes laneCount: Int) {
        (self.seed, random) = (seed, SeededGenerator(state: seed))
        workers = []
        for id in 1...count {
            workers.append(WorkerLoad(workerID: Int64(id), speed: pow(10, .random(in: -1...0, using: &random))))
        }
        let total = 600_000 * workers.reduce(0) { $0 + ($1.speed ?? 0) }
        let cap = 0.5 * total / Double(count)
        let raw = (1...laneCount).map { pow(Double($0), -1.1) }
        var scale = total
        while raw.reduce(0, { $0 + min(cap, $1 * scale) }) > total { scale *= 0.99 }
        lanes = raw.shuffled(using: &random).enumerated().map {
            LaneLoad(lane: Int32($0), workerID: nil, generation: 0, costMilliseconds: min(cap, $1 * scale))
        }
    }

    func plan() -> LanePlan { LanePlan.make(lanes: lanes, workers: workers) }

    /// Plans, judges the plan, and carries it out.
    @discardableResult
    mutating func change(_ name: String) -> (moves: Int, least: Int) {
        let plan = plan()
        let least = LanePlan.leastMoves(
            lanes: lanes, workers: workers, finishSeconds: max(plan.finishAfter, plan.bound.seconds * 1.05))
        #expect(plan.finishAfter <= 1.05 * plan.bound.seconds, "seed \(seed), \(name)")
        let ratio = Double(plan.moves.count) / Double(max(1, least))
        #expect(ratio >= 1 && ratio <= 1.15, "seed \(seed), \(name): \(plan.moves.count) moves, \(least) needed")
        lanes = Situation(lanes: lanes, workers: workers).after(plan.moves)
        return (plan.moves.count, least)
    }
}
