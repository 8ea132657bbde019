import Foundation
import Tensor

/// What will happen to a deployment and in which order: a pure function of a seed and of how much of it there is to be.
///
/// Two runs of one plan differ in timing only: the machine decides what each fault meets.
public struct ChaosPlan: Sendable, Equatable, Codable {
    /// How much there is to be.
    public struct Size: Sendable, Equatable, Codable {
        /// Faults, at least one of each kind.
        public var faults = 300
        /// What people ask for meanwhile, at least one of each kind.
        public var operations = 100
        /// Worker processes.
        public var workers = 3
        /// Scheduler processes.
        public var schedulers = 2
        /// Mean seconds between two events.
        public var meanGapSeconds = 0.35
        /// The lease in seconds; pauses are longer.
        public var leaseSeconds = 2.0

        /// The long run's.
        public init() {}
    }

    /// One thing that happens.
    public struct Event: Sendable, Equatable, Codable {
        /// What.
        public enum Action: Sendable, Equatable, Codable {
            case fault(Fault)
            case operation(Operation)
        }

        /// Seconds after the event before it.
        public var afterSeconds: Double
        /// What happens.
        public var action: Action
    }

    /// What it was made from.
    public var seed: UInt64
    /// In order.
    public var events: [Event]

    /// The plan of a seed.
    public init(seed: UInt64, size: Size = Size()) {
        self.seed = seed
        var random = RandomSource(seed: seed ^ 0xC4A0_5EED)
        let faults = Self.shares(size.faults, of: Fault.Kind.allCases.map { ($0, $0.weight) })
        let operations = Self.shares(size.operations, of: Operation.Kind.allCases.map { ($0, $0.weight) })
        let actions =
            faults.map { Event.Action.fault(Self.fault($0, size, &random)) }
            + operations.map { Event.Action.operation(Self.operation($0, &random)) }
        events = random.permutation(actions.count).map { index in
            // Exponential gaps, none of them long enough for everything to calm down.
            let gap = -size.meanGapSeconds * log(1 - random.uniform())
            return Event(afterSeconds: min(gap, 4 * size.meanGapSeconds), action: actions[index])
        }
    }

    /// How often each kind comes when there are `count` in all: by weight, at least once.
    static func shares<Kind>(_ count: Int, of kinds: [(kind: Kind, weight: Int)]) -> [Kind] {
        let total = kinds.reduce(0) { $0 + $1.weight }
        var counts = kinds.map { max(1, count * $0.weight / total) }
        var next = 0
        // What rounding left over goes round, from the first kind on.
        while counts.reduce(0, +) < count {
            counts[next % counts.count] += 1
            next += 1
        }
        return zip(kinds, counts).flatMap { Array(repeating: $0.kind, count: $1) }
    }

    private static func fault(_ kind: Fault.Kind, _ size: Size, _ random: inout RandomSource) -> Fault {
        let worker = random.index(below: size.workers)
        let scheduler = random.index(below: size.schedulers)
        func seconds(_ range: ClosedRange<Double>) -> Double {
            range.lowerBound + (range.upperBound - range.lowerBound) * random.uniform()
        }
        let pause = (size.leaseSeconds * 1.2)...(size.leaseSeconds * 2.5)
        switch kind {
        case .killWorker: return .killWorker(worker)
        case .killScheduler: return .killScheduler(scheduler)
        case .pauseWorker: return .pauseWorker(worker, seconds: seconds(pause))
        case .pauseScheduler: return .pauseScheduler(scheduler, seconds: seconds(pause))
        case .cutDatabase: return .cutDatabase(client(size, &random))
        case .stallDatabase: return .stallDatabase(client(size, &random), seconds: seconds(0.1...(pause.upperBound)))
        case .loseReply:
            // A publish whose reply is lost is the case that rule 9 is about: twice as often as any other.
            let effects = Fault.Effect.allCases + [.publish]
            let effect = effects[random.index(below: effects.count)]
            let client: Fault.Client =
                switch effect.speaker {
                case .worker: .worker(worker)
                case .scheduler: .scheduler(scheduler)
                case .producers: .producers
                }
            return .loseReply(client, to: effect)
        case .losePutReply: return .losePutReply(worker: worker)
        case .cutPut: return .cutPut(worker: worker)
        case .refuseStore:
            let statuses = [500, 502, 503, 503, 504]
            return .refuseStore(
                worker: worker, status: statuses[random.index(below: statuses.count)],
                requests: 1 + random.index(below: 12))
        case .stallStore: return .stallStore(worker: worker, seconds: seconds(0.1...(pause.upperBound)))
        case .killStore: return .killStore
        case .fillDisk: return .fillDisk(seconds: seconds(0.3...1.5))
        case .crashPostgres: return .crashPostgres
        case .restartPostgres: return .restartPostgres
        case .moveClock:
            // Seconds, minutes and hours, either way.
            let sizes = [3, 30, 300, 3600, 20_000]
            let jump = sizes[random.index(below: sizes.count)]
            return .moveClock(worker: worker, bySeconds: random.uniform() < 0.5 ? jump : -jump)
        case .pinHorizon: return .pinHorizon(seconds: seconds(2...8))
        }
    }

    private static func client(_ size: Size, _ random: inout RandomSource) -> Fault.Client {
        let place = random.index(below: 10)
        switch place {
        case 0..<6: return .worker(random.index(below: size.workers))
        case 6, 7: return .scheduler(random.index(below: size.schedulers))
        case 8: return .producers
        default: return .operators
        }
    }

    private static func operation(_ kind: Operation.Kind, _ random: inout RandomSource) -> Operation {
        let pick = random.uniform()
        switch kind {
        case .cancel: return .cancel(pick: pick)
        case .retry: return .retry(pick: pick)
        case .erase: return .erase(pick: pick)
        case .rollback: return .rollback(pick: pick)
        case .promote: return .promote(pick: pick)
        case .setLanes: return .setLanes([8, 16, 24, 32][random.index(below: 4)])
        case .activateRecipe: return .activateRecipe(pick: pick)
        case .readapt: return .readapt(pick: pick)
        }
    }
}
