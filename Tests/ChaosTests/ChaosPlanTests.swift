import Foundation
import Testing

@testable import Chaos

@Suite struct ChaosPlanTests {
    private func faults(_ plan: ChaosPlan) -> [Fault] {
        plan.events.compactMap { if case .fault(let fault) = $0.action { fault } else { nil } }
    }

    private func operations(_ plan: ChaosPlan) -> [Chaos.Operation] {
        plan.events.compactMap { if case .operation(let operation) = $0.action { operation } else { nil } }
    }

    @Test("a seed gives one plan, another seed another, and a plan survives being written down")
    func replay() throws {
        let plan = ChaosPlan(seed: 5)
        #expect(plan == ChaosPlan(seed: 5))
        #expect(plan.events != ChaosPlan(seed: 6).events)
        #expect(try JSONDecoder().decode(ChaosPlan.self, from: JSONEncoder().encode(plan)) == plan)
    }

    @Test(
        "every kind of fault and operation comes, as many as asked for in all", arguments: 1...20 as ClosedRange<UInt64>
    )
    func kinds(seed: UInt64) {
        for (faults, operations) in [(300, 100), (40, 15), (1000, 31)] {
            var size = ChaosPlan.Size()
            (size.faults, size.operations) = (faults, operations)
            let plan = ChaosPlan(seed: seed, size: size)
            #expect(self.faults(plan).count == faults && self.operations(plan).count == operations)
            #expect(Set(self.faults(plan).map(\.kind)) == Set(Fault.Kind.allCases))
            #expect(Set(self.operations(plan).map(\.kind)) == Set(Chaos.Operation.Kind.allCases))
            #expect(plan.events.allSatisfy { (0...4 * size.meanGapSeconds).contains($0.afterSeconds) })
        }
    }

    @Test(
        "faults meet processes that there are, pauses outlast the lease, replies are lost to who speaks the statement")
    func targets() {
        var size = ChaosPlan.Size()
        (size.faults, size.workers, size.schedulers, size.leaseSeconds) = (2000, 4, 1, 3)
        for fault in faults(ChaosPlan(seed: 9, size: size)) {
            switch fault {
            case .killWorker(let worker), .losePutReply(let worker), .cutPut(let worker), .stallStore(let worker, _),
                .moveClock(let worker, _), .refuseStore(let worker, _, _):
                #expect((0..<4).contains(worker))
            case .pauseWorker(let worker, let seconds): #expect((0..<4).contains(worker) && seconds > 3)
            case .pauseScheduler(let scheduler, let seconds): #expect(scheduler == 0 && seconds > 3)
            case .loseReply(let client, let effect):
                switch client {
                case .worker(let worker): #expect((0..<4).contains(worker) && effect.speaker == .worker)
                case .scheduler(let scheduler): #expect(scheduler == 0 && effect.speaker == .scheduler)
                case .producers: #expect(effect.speaker == .producers)
                case .operators: Issue.record("operators' replies are not lost on purpose")
                }
            default: break
            }
        }
    }
}
