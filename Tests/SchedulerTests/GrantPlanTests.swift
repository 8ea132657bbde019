import Queue
import Scheduler
import Testing

/// How limits are split among workers, over generated histories.
@Suite struct GrantPlanTests {
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) ^ (state << 31)
        }
    }

    /// A database of one limit: workers with grants, jobs that come and go within them.
    private struct World {
        var limit: SharedLimit
        var workers: [Int64]

        /// Writes grants as `attune.set_grants` does.
        mutating func write(_ grants: [LimitGrant]) {
            for grant in grants {
                let index = limit.parts.firstIndex { $0.workerID == grant.workerID }
                let isDropped = grant.slots == nil && grant.rate == nil
                if let index {
                    guard limit.parts[index].generation == grant.generation else { continue }
                    (limit.parts[index].slots, limit.parts[index].rate) = (grant.slots, grant.rate)
                    limit.parts[index].generation = isDropped ? nil : (grant.generation ?? 0) + 1
                } else {
                    limit.parts.append(
                        .init(workerID: grant.workerID, slots: grant.slots, rate: grant.rate, generation: 1))
                }
            }
        }

        /// Workers claim up to their grants, finish some, come and go.
        mutating func live(_ random: inout Generator) {
            for index in limit.parts.indices {
                let room = max(0, (limit.parts[index].slots ?? 0) - limit.parts[index].held)
                limit.parts[index].held -= Int.random(in: 0...limit.parts[index].held, using: &random)
                if workers.contains(limit.parts[index].workerID) {
                    limit.parts[index].held += Int.random(in: 0...room, using: &random)
                }
            }
            if Int.random(in: 0..<4, using: &random) == 0 {
                workers = (1...9).filter { _ in Bool.random(using: &random) }
            }
            if Int.random(in: 0..<10, using: &random) == 0 {
                limit.maxRunning = Int.random(in: 1...900, using: &random)
            }
        }

        var granted: Int { limit.parts.reduce(0) { $0 + ($1.slots ?? 0) } }
        var used: Int { limit.parts.reduce(0) { $0 + max($1.slots ?? 0, $1.held) } }
        var grantedRate: Double { limit.parts.reduce(0) { $0 + ($1.rate ?? 0) } }

        /// What the workers do with grants: everything that they may.
        mutating func settle() {
            for _ in 0..<6 { write(GrantPlan.grants(limits: [limit], workers: workers)) }
        }
    }

    @Test("what is granted or held never exceeds the limit, whoever comes, goes and claims", arguments: 1...200)
    func neverExceeds(seed: UInt64) {
        var random = Generator(state: seed)
        var world = World(
            limit: SharedLimit(
                limitID: 1, maxRunning: Int.random(in: 1...900, using: &random),
                rate: Bool.random(using: &random) ? Double.random(in: 0.1...5000, using: &random) : nil,
                chunkJobs: 100, parts: []),
            workers: [1, 2, 3])
        var allowed = world.limit.maxRunning ?? 0
        for _ in 0..<60 {
            let before = (world.used, world.limit.maxRunning ?? 0)
            world.write(GrantPlan.grants(limits: [world.limit], workers: world.workers))
            // A cap that was lowered below what runs takes nothing from anybody who runs; it lets nobody add.
            allowed = max(world.limit.maxRunning ?? 0, before.0)
            #expect(world.used <= allowed, "seed \(seed)")
            #expect(world.grantedRate <= (world.limit.rate ?? 0) * 1.000_01, "seed \(seed)")
            world.live(&random)
            #expect(world.used <= max(allowed, world.limit.maxRunning ?? 0), "seed \(seed)")
        }
        world.workers = [4, 5]
        for index in world.limit.parts.indices { world.limit.parts[index].held = 0 }
        world.settle()
        #expect(world.granted == world.limit.maxRunning, "seed \(seed): all of it is given out in the end")
        #expect(GrantPlan.grants(limits: [world.limit], workers: world.workers).isEmpty, "seed \(seed): and stays")
    }

    @Test(
        "a part is a full chunk's worth where the limit allows it",
        arguments: [(1, 1), (99, 1), (100, 1), (250, 2), (400, 4), (5000, 8)])
    func granularity(cap: Int, workers: Int) {
        var world = World(
            limit: SharedLimit(limitID: 7, maxRunning: cap, rate: nil, chunkJobs: 100, parts: []),
            workers: Array(1...8))
        world.settle()
        let slots = world.limit.parts.compactMap(\.slots)
        #expect(slots.count == workers)
        #expect(slots.reduce(0, +) == cap)
        #expect((slots.max() ?? 0) - (slots.min() ?? 0) <= 1)
    }

    @Test("different limits go to different workers")
    func spread() {
        let limits = (1...200).map {
            SharedLimit(limitID: $0, maxRunning: 50, rate: nil, chunkJobs: 100, parts: [])
        }
        let grants = GrantPlan.grants(limits: limits, workers: Array(1...10))
        let counts = Dictionary(grouping: grants, by: \.workerID).mapValues(\.count)
        #expect(grants.count == 200 && counts.count == 10)
        #expect((counts.values.max() ?? 0) < 45)
    }

    @Test("a grant that ends soon is renewed, a dead worker's is taken away, and nobody is given it in the same plan")
    func renewal() {
        let limit = SharedLimit(
            limitID: 1, maxRunning: 200, rate: nil, chunkJobs: 100,
            parts: [
                .init(workerID: 1, slots: 100, generation: 3, endsSoon: true, held: 40),
                .init(workerID: 2, slots: 100, generation: 5, held: 100),
            ])
        let grants = GrantPlan.grants(limits: [limit], workers: [1, 3])
        #expect(
            Set(grants.map { "\($0.workerID) \($0.slots ?? -1) \($0.generation ?? -1)" }) == ["2 -1 5", "1 100 3"])
        #expect(GrantPlan.grants(limits: [limit], workers: []).map(\.workerID) == [1, 2])
    }
}
