/// One transaction, one message, or one fault.
package enum Step: Hashable, Sendable {
    // Producers and operators.
    case addUser
    case record(user: UInt8)
    case enqueue(users: [UInt8])
    case enqueuePoison(user: UInt8)
    case cancel(job: UInt8)
    case cancelLate(job: UInt8)
    case retry(job: UInt8)
    case erase(user: UInt8)
    case rollback(user: UInt8, to: UInt8?)
    case promote(base: UInt8)
    case mergeLate(user: UInt8, into: UInt8)
    // Workers.
    case start
    case heartbeat(worker: UInt8)
    case claim(worker: UInt8, chunks: [UInt8])
    case upload(worker: UInt8)
    case publish(worker: UInt8, Verdict)
    /// Takes effect, and its reply is lost.
    case publishUnheard(worker: UInt8, Verdict)
    /// Its caller gives up; it may take effect later, or never.
    case publishLate(worker: UInt8, Verdict)
    case crash(worker: UInt8)
    /// The lease runs out.
    case expire(worker: UInt8)
    // Whoever schedules.
    case overdue(chunk: UInt8)
    case rescue(chunk: UInt8)
    case wake(chunk: UInt8)
    case park(chunk: UInt8)
    case unpark(chunk: UInt8)
    case feed
    case feedLate
    case condemn(object: UInt8)
    case delete(object: UInt8)
    // The world.
    /// A call whose caller gave up takes effect.
    case arrive(call: UInt8)
    /// A second PUT of an object lands after it was collected.
    case putAgain(object: UInt8)
    /// The server crashes and loses the claims that were not flushed.
    case loseClaims

    /// What disturbs the plain course of things; a scenario says which may happen, and how many.
    package enum Disturbance: Hashable, Sendable, CaseIterable {
        case record, enqueue, cancel, retry, erase, rollback, promote
        case kept, failed, handedBack, first
        case unheard, late, crash, expire, overdue, park, feedLate, putAgain, loseClaims
    }

    /// What it disturbs; nil: it belongs to the plain course.
    package func disturbance(in state: Lifecycle) -> Disturbance? {
        switch self {
        case .addUser, .start, .heartbeat, .claim, .upload, .rescue, .wake, .unpark, .feed, .condemn, .delete, .arrive,
            .enqueuePoison:
            nil
        case .record: .record
        case .enqueue, .mergeLate: .enqueue
        case .cancel, .cancelLate: .cancel
        case .retry: .retry
        case .erase: .erase
        case .rollback: .rollback
        case .promote: .promote
        case .publish(_, .completed): nil
        case .publish(_, .kept): .kept
        case .publish(_, .failed): .failed
        case .publish(_, .handedBack): .handedBack
        case .publish(_, .first): .first
        case .publishUnheard: .unheard
        case .publishLate: .late
        case .crash(let worker): state.holdsPoison(worker) ? nil : .crash
        case .expire(let worker): state.workers[Int(worker)].isAlive ? .expire : nil
        case .overdue: .overdue
        case .park: .park
        case .feedLate: .feedLate
        case .putAgain: .putAgain
        case .loseClaims: .loseClaims
        }
    }

    /// Whether it brings things forward: what happens sooner or later when nothing more goes wrong.
    ///
    /// A call whose caller gave up need never arrive.
    package func isProgress(in state: Lifecycle) -> Bool {
        if case .arrive = self { return false }
        return disturbance(in: state) == nil
    }
}
