import Foundation
import Queue
import Testing

/// What every ``QueueStore`` does. Each case is a test of its own, run on both stores.
enum QueueConformance: String, CaseIterable, CustomTestStringConvertible {
    case completes = "a job goes from available through running to completed, and its user has revision 1"
    case bulk = "a bulk is cut into chunks of 100 and every job ends once"
    case estimates = "a user's examples say what a job costs where its producer does not"
    case newData = "a job with newer data starts from the revision before, and makes the next one"
    case covered = "a job whose data is covered ends without work"
    case newRecipe = "data covered under another recipe is not covered"
    case merged = "of one user's waiting jobs the newest runs and the others are merged into it"
    case kept = "a job that keeps the old state makes no revision, and covers its data"
    case dedup = "the same dedup key again returns the same job, another payload is a conflict"
    case dedupBulk = "a bulk counts duplicates, lists rejected rows, and fails on the first without keep_going"
    case unknown = "unknown tenants, users and kinds are refused by name"
    case payload = "a payload arrives as it was sent"
    case runAt = "a job with a time waits for it, outside of claims"
    case failed = "a failed job costs a try and runs again after its delay"
    case exhausted = "a job out of tries is discarded with its class"
    case hopeless = "a failure that no retry helps is discarded at once"
    case snoozed = "a snoozed job costs no try"
    case unreported = "a job left out of its delivery runs again"
    case cancelledWaiting = "a cancelled waiting job is never claimed"
    case cancelledRunning = "a job cancelled while it runs stays cancelled, its neighbours complete"
    case cancelledLate = "cancelling an ended job says how it ended"
    case retried = "retrying a discarded job makes a new one, a completed one is refused"
    case mergedIntoCancelled =
        "a merged job stands and falls with the job that took its place; to retry that one does the work of both"
    case retriedNow = "retrying a waiting retry runs it now"
    case expired = "an expired lease lets another worker finish, and the first one's publish changes nothing"
    case heartbeat = "a heartbeat keeps what a worker holds"
    case gone = "a worker that was stopped can neither claim nor send heartbeats"
    case draining = "a draining worker claims nothing but publishes what it holds"
    case twice = "publishing twice says that it was done"
    case supersededOnce = "two workers on one user: one publishes, the other's job runs again"
    case overtaken = "a worker that has seen less than what was kept meanwhile is superseded, whatever it found"
    case erased = "a late publish does not bring back an erased user"
    case erasedWaiting = "a waiting job of an erased user ends at its claim"
    case noRecipe = "without an active base and recipe a chunk waits and says why"
    case isolation = "after two crashes every job is alone, and a claim gives it to empty hands only"
    case poison = "a job that kills its workers is discarded, its neighbours complete"
    case adoption = "two workers adopt all lanes between them"
    case passedOn = "a chunk whose base a worker lacks costs no try and goes to a worker that has it"
    case paused = "a paused worker keeps what it holds and claims nothing until it is active again"
    case speed =
        "a worker's speed is the reference work it does in its busy time, smoothed, and idle time does not count"
    case samples = "a sample counts what waits in a lane after its mark"
    case priority = "a job with a priority goes ahead of its flow's, one that does not exist is refused"
    case capped = "no more than a tenant's cap runs over all workers, and the rest goes on as jobs end"
    case cappedNeighbour = "a capped tenant's bulk is not in the way of another tenant's job"
    case paced = "a rate lets no more be claimed than it says"
    case pausedTenant = "a paused tenant's jobs are accepted and wait, can be cancelled, and go on when it is resumed"
    case pausedKind = "one kind of a tenant's jobs can be paused"
    case late = "a sweep finds what a mark has passed"
    case figures = "what a worker reports adds up, and the same report again counts once"

    var testDescription: String { rawValue }

    func check(_ world: some QueueWorld) async throws {
        try await world.addTenant("acme", isActive: self != .noRecipe)
        switch self {
        case .completes: try await world.checkCompletes()
        case .bulk: try await world.checkBulk()
        case .estimates: try await world.checkEstimates()
        case .newData: try await world.checkNewData()
        case .covered: try await world.checkCovered()
        case .newRecipe: try await world.checkNewRecipe()
        case .merged: try await world.checkMerged()
        case .kept: try await world.checkKept()
        case .dedup: try await world.checkDedup()
        case .dedupBulk: try await world.checkDedupBulk()
        case .unknown: try await world.checkUnknown()
        case .payload: try await world.checkPayload()
        case .runAt: try await world.checkRunAt()
        case .failed: try await world.checkFailed()
        case .exhausted: try await world.checkExhausted()
        case .hopeless: try await world.checkHopeless()
        case .snoozed: try await world.checkSnoozed()
        case .unreported: try await world.checkUnreported()
        case .cancelledWaiting: try await world.checkCancelledWaiting()
        case .cancelledRunning: try await world.checkCancelledRunning()
        case .cancelledLate: try await world.checkCancelledLate()
        case .retried: try await world.checkRetried()
        case .mergedIntoCancelled: try await world.checkMergedIntoCancelled()
        case .retriedNow: try await world.checkRetriedNow()
        case .expired: try await world.checkExpired()
        case .heartbeat: try await world.checkHeartbeat()
        case .gone: try await world.checkGone()
        case .draining: try await world.checkDraining()
        case .twice: try await world.checkTwice()
        case .supersededOnce: try await world.checkSuperseded()
        case .overtaken: try await world.checkOvertaken()
        case .erased: try await world.checkErased()
        case .erasedWaiting: try await world.checkErasedWaiting()
        case .noRecipe: try await world.checkNoRecipe()
        case .isolation: try await world.checkIsolation()
        case .poison: try await world.checkPoison()
        case .adoption: try await world.checkAdoption()
        case .passedOn: try await world.checkPassedOn()
        case .paused: try await world.checkPaused()
        case .speed: try await world.checkSpeed()
        case .samples: try await world.checkSamples()
        case .priority: try await world.checkPriority()
        case .capped: try await world.checkCapped()
        case .cappedNeighbour: try await world.checkCappedNeighbour()
        case .paced: try await world.checkPaced()
        case .pausedTenant: try await world.checkPausedTenant()
        case .pausedKind: try await world.checkPausedKind()
        case .late: try await world.checkLate()
        case .figures: try await world.checkFigures()
        }
    }
}
