import Foundation
import Queue
import Scheduler
import Testing

@Suite struct WorkerTargetTests {
    private let limits = WorkerTarget.Limits(drainSeconds: 300, least: 1, most: 20, shrinkAfterSeconds: 60)

    private func load(_ backlogSeconds: Double, arrival: Double = 0, speed: Double = 1) -> WorkerTarget.Load {
        WorkerTarget.Load(backlogMilliseconds: backlogSeconds * 1000, arrival: arrival, speedEach: speed, live: 3)
    }

    @Test("it is the work over the time and the speed, within its limits")
    func arithmetic() {
        var target = WorkerTarget(desired: 1)
        target.decide(load(1500), limits, at: 0)
        #expect(target.desired == 5)
        target.decide(load(1500, arrival: 2), limits, at: 1)
        #expect(target.desired == 7)
        target.decide(load(1500, arrival: 2, speed: 0.5), limits, at: 2)
        #expect(target.desired == 14)
        target.decide(load(1e9), limits, at: 3)
        #expect(target.desired == 20)
        var idle = WorkerTarget(desired: 0)
        idle.decide(load(0.001), .init(drainSeconds: 300, least: 0, most: 9, shrinkAfterSeconds: 0), at: 0)
        #expect(idle.desired == 1, "what waits needs somebody")
        idle.decide(load(0), .init(drainSeconds: 300, least: 0, most: 9, shrinkAfterSeconds: 0), at: 1)
        #expect(idle.desired == 0)
    }

    @Test("it rises at once, and falls to the most that was needed once fewer have been enough for a while")
    func hysteresis() {
        var target = WorkerTarget(desired: 1)
        target.decide(load(3000), limits, at: 0)
        #expect(target.desired == 10)
        target.decide(load(300), limits, at: 10)
        #expect((target.desired, target.needed) == (10, 1))
        target.decide(load(1200), limits, at: 40)
        target.decide(load(300), limits, at: 69)
        #expect(target.desired == 10)
        target.decide(load(300), limits, at: 70)
        #expect(target.desired == 4, "at 40 s it took 4")
        target.decide(load(300), limits, at: 129)
        #expect(target.desired == 4)
        target.decide(load(300), limits, at: 130)
        #expect(target.desired == 1)
        target.decide(load(3000), limits, at: 131)
        #expect(target.desired == 10)
        // A load that comes and goes within the time moves nothing.
        for second in 132..<400 {
            target.decide(load(second % 50 == 0 ? 3000 : 0), limits, at: Double(second))
            #expect(target.desired == 10)
        }
    }

    @Test("what comes in is the growth of the backlog and the work done meanwhile, smoothed over a minute")
    func arrival() {
        var arrival = ArrivalRate()
        for second in stride(from: 0.0, through: 600, by: 5) {
            arrival.note(backlog: 1000 + 500 * second, done: 1500 * second, at: second)
        }
        #expect(abs(arrival.rate - 2) < 0.01)
        let before = arrival.rate
        arrival.note(backlog: 301_000, done: 0, at: 605)
        #expect(arrival.rate == before, "a worker that left took its sum along")
        arrival.note(backlog: 301_000, done: 0, at: 665)
        #expect(arrival.rate == 0)
    }
}

@Suite struct LaneLedgerTests {
    private func sighting(_ cost: Double, _ seconds: Double) -> LaneSighting {
        LaneSighting(
            costMilliseconds: cost, mark: LaneMark(sortKey: Int64(seconds), chunkID: 1),
            at: Date(timeIntervalSince1970: seconds))
    }

    @Test("the newest sighting of a lane counts, whatever order they are read in")
    func newest() {
        var ledger = LaneLedger()
        #expect(ledger.since == nil)
        ledger.note([1: sighting(10, 100), 2: sighting(20, 101)])
        ledger.note([1: sighting(5, 99)])
        #expect(ledger.since == Date(timeIntervalSince1970: 101))
        let lanes = (1...3).map { LaneLoad(lane: $0, workerID: nil, generation: 0) }
        #expect(ledger.loads(lanes).map(\.costMilliseconds) == [10, 20, 0])
        #expect(ledger.loads(Array(lanes.suffix(1))).map(\.costMilliseconds) == [0])
        #expect(ledger.loads(lanes).map(\.costMilliseconds) == [0, 0, 0], "lanes that were gone are forgotten")
    }

    @Test("the leader looks at lanes never seen, and at those with work or without owner that were not seen lately")
    func unseen() {
        var ledger = LaneLedger()
        ledger.note([1: sighting(10, 100), 2: sighting(0, 100), 3: sighting(0, 100), 4: sighting(10, 500)])
        let lanes = [
            LaneLoad(lane: 1, workerID: 7, generation: 0), LaneLoad(lane: 2, workerID: 7, generation: 0),
            LaneLoad(lane: 3, workerID: nil, generation: 0), LaneLoad(lane: 4, workerID: 7, generation: 0),
            LaneLoad(lane: 5, workerID: 7, generation: 0),
        ]
        let due = ledger.unseen(lanes)
        #expect(Set(due.keys) == [1, 3, 5], "2 is idle and has an owner, 4 was just seen")
        #expect(due[5] == .start && due[1] == LaneMark(sortKey: 100, chunkID: 1))
        #expect(ledger.unseen(lanes, limit: 1).keys.first == 5)
    }
}
