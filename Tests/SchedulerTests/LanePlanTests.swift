import Queue
import Scheduler
import Testing

/// The plan as a pure function, over a thousand generated situations.
@Suite struct LanePlanTests {
    /// Deterministic numbers: the same situations at every run.
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

    private struct Situation {
        var lanes: [LaneOwner]
        var workers: [Int64]
        /// Lanes by living owner, before any move.
        var owned: [Int64: Int] {
            workers.reduce(into: [:]) { counts, worker in counts[worker] = lanes.count { $0.workerID == worker } }
        }
        /// Lanes that nobody alive owns.
        var free: Int { lanes.count { lane in lane.workerID.map { !workers.contains($0) } ?? true } }

        /// Up to 64 lanes of up to nine owners, of whom some are dead, and some workers without any lane.
        init(seed: UInt64) {
            var random = Generator(state: seed)
            workers = (1...9).filter { _ in Bool.random(using: &random) }
            if workers.isEmpty { workers = [4] }
            let reach = Int64.random(in: 1...9, using: &random)
            lanes = (0..<Int32.random(in: 1...64, using: &random)).map { lane in
                LaneOwner(
                    lane: lane,
                    workerID: Int.random(in: 0..<5, using: &random) == 0
                        ? nil : Int64.random(in: 1...reach, using: &random),
                    generation: Int64.random(in: 0..<100, using: &random), hasWork: Bool.random(using: &random))
            }
        }

        /// The lanes once these moves are made.
        func after(_ moves: [LaneMove]) -> [LaneOwner] {
            var lanes = lanes
            for move in moves {
                for index in lanes.indices where lanes[index].lane == move.lane {
                    lanes[index].workerID = move.workerID
                    lanes[index].generation += 1
                }
            }
            return lanes
        }
    }

    static let seeds = Array(UInt64(1)...1000)

    @Test("afterwards every lane has a living owner, and the counts differ by at most one")
    func fair() {
        for seed in Self.seeds {
            let before = Situation(seed: seed)
            var after = before
            after.lanes = before.after(LanePlan.moves(lanes: before.lanes, workers: before.workers))
            #expect(after.free == 0, "seed \(seed)")
            let counts = after.owned.values
            #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1, "seed \(seed): \(counts)")
        }
    }

    @Test("no plan moves fewer lanes: the ownerless, and of each worker what it has above its fair share")
    func least() {
        for seed in Self.seeds {
            let situation = Situation(seed: seed)
            let share = situation.lanes.count / situation.workers.count
            let larger = situation.lanes.count % situation.workers.count
            let surplus = situation.owned.values.sorted(by: >).enumerated().reduce(0) { sum, worker in
                sum + max(0, worker.element - (worker.offset < larger ? share + 1 : share))
            }
            let moves = LanePlan.moves(lanes: situation.lanes, workers: situation.workers)
            #expect(moves.count == situation.free + surplus, "seed \(seed)")
            #expect(Set(moves.map(\.lane)).count == moves.count, "seed \(seed): a lane moves twice")
        }
    }

    @Test("each move carries the generation that it was planned with, and goes to another owner")
    func moves() {
        for seed in Self.seeds {
            let situation = Situation(seed: seed)
            for move in LanePlan.moves(lanes: situation.lanes, workers: situation.workers) {
                let lane = situation.lanes.first { $0.lane == move.lane }
                #expect(lane?.generation == move.generation && lane?.workerID != move.workerID, "seed \(seed)")
            }
        }
    }

    @Test("what is balanced stays, and without workers nothing moves")
    func stable() {
        for seed in Self.seeds {
            let situation = Situation(seed: seed)
            let balanced = situation.after(LanePlan.moves(lanes: situation.lanes, workers: situation.workers))
            #expect(LanePlan.moves(lanes: balanced, workers: situation.workers).isEmpty, "seed \(seed)")
            #expect(LanePlan.moves(lanes: situation.lanes, workers: []).isEmpty)
        }
    }

    @Test("a worker that has too many gives up lanes without work first")
    func idleFirst() {
        let lanes = (0..<6).map { LaneOwner(lane: $0, workerID: 1, generation: 0, hasWork: $0 % 2 == 0) }
        #expect(LanePlan.moves(lanes: lanes, workers: [1, 2]).map(\.lane) == [1, 3, 5])
    }
}
