import FoundationEssentials

extension MemoryQueue {
    mutating func publish(_ delivery: Delivery, _ policy: RetryPolicy) -> PublishReport {
        var report = PublishReport()
        var live: [Chunk] = []
        for fence in delivery.chunks.sorted(by: { $0.chunkID < $1.chunkID }) {
            guard let chunk = chunks[fence.chunkID], chunk.attempt == fence.attempt, chunk.token == fence.token else {
                report.lostChunks.append(fence.chunkID)
                continue
            }
            switch chunk.state {
            case .leased: live.append(chunk)
            case .closed: report.publishedBefore.append(fence.chunkID)
            case .ready, .deferred, .parked: report.lostChunks.append(fence.chunkID)
            }
        }
        for chunk in live {
            let reports = delivery.reports.filter { $0.job.chunkID == chunk.id }
            let byJob = Dictionary(reports.map { ($0.job.jobID, $0) }, uniquingKeysWith: { first, _ in first })
            var again: [Int64?: [Member]] = [:]
            for member in open(chunk) {
                guard let (rest, delay) = end(member, byJob[member.jobID], chunk, delivery, policy, &report) else {
                    continue
                }
                again[delay, default: []].append(rest)
                report.retried += 1
            }
            chunks[chunk.id]?.state = .closed
            for (delay, members) in again {
                requeue(chunk, members, runAt: delay.map { now + Double($0) / 1000 })
            }
        }
        return report
    }

    /// Ends one job, or returns how it goes on: the member, and its delay in milliseconds.
    private mutating func end(
        _ member: Member, _ report: JobReport?, _ chunk: Chunk, _ delivery: Delivery, _ policy: RetryPolicy,
        _ total: inout PublishReport
    ) -> (Member, Int64?)? {
        guard let report, let job = jobs[member.jobID], let user = users[job.uid] else {
            lastTries[member.jobID] = Try(errorClass: "handed_back", message: nil)
            return (member, nil)
        }
        let verdict = Verdict(report, policy)
        var outcome = Outcome(state: .cancelled, attempt: chunk.attempt, tries: member.tries)
        if user.epoch != report.job.epoch {
            outcome.errorClass = "user_erased"
            total.erased += 1
        } else if [Verdict.completed, Verdict.kept].contains(verdict.code),
            verdict.dataThrough ?? 0 < user.pointers[chunk.baseID]?.judgedThrough ?? 0
        {
            // What was kept leaves the revision as it is, so that comparing it does not see who has looked at more.
            total.superseded += 1
            return supersede(member)
        } else if verdict.code == Verdict.completed {
            guard user.pointers[chunk.baseID]?.revisionID == report.job.parentRevision else {
                total.superseded += 1
                return supersede(member)
            }
            guard delivery.object != nil else {
                lastTries[member.jobID] = Try(errorClass: "object_collected", message: nil)
                return (member, nil)
            }
            outcome.state = .completed
            outcome.revision = advance(job.uid, chunk, verdict.dataThrough ?? 0, makesRevision: true)
            total.completed += 1
        } else if verdict.code == Verdict.kept {
            if user.pointers[chunk.baseID]?.revisionID == report.job.parentRevision {
                advance(job.uid, chunk, verdict.dataThrough ?? 0, makesRevision: false)
            }
            outcome.state = .kept
            total.kept += 1
        } else if verdict.code == Verdict.done {
            (outcome.state, outcome.message) = (.completed, verdict.message)
            total.completed += 1
        } else if verdict.code == Verdict.discarded {
            (outcome.state, outcome.errorClass, outcome.message) = (.discarded, verdict.errorClass, verdict.message)
            total.discarded += 1
        } else {
            return goOn(member, verdict)
        }
        outcomes[job.id] = outcome
        return nil
    }

    /// Sets a user's pointer; returns the number of the revision it made, if any.
    @discardableResult
    private mutating func advance(_ uid: Int64, _ chunk: Chunk, _ dataThrough: Int64, makesRevision: Bool) -> Int32? {
        var pointer =
            users[uid]?.pointers[chunk.baseID]
            ?? Pointer(revisionID: nil, number: 0, recipeID: chunk.recipeID, judgedThrough: 0)
        (pointer.recipeID, pointer.judgedThrough) = (chunk.recipeID, dataThrough)
        if makesRevision {
            (pointer.revisionID, pointer.number) = (nextRevisionID, pointer.number + 1)
            nextRevisionID += 1
        }
        users[uid]?.pointers[chunk.baseID] = pointer
        return makesRevision ? pointer.number : nil
    }

    private mutating func supersede(_ member: Member) -> (Member, Int64?) {
        lastTries[member.jobID] = Try(errorClass: "superseded", message: nil)
        var member = member
        let costsTry = member.superseded >= 3
        if costsTry { member.tries += 1 }
        member.superseded = (member.superseded + 1) % 4
        return (member, costsTry ? 1000 : nil)
    }

    private mutating func goOn(_ member: Member, _ verdict: Verdict) -> (Member, Int64?) {
        let errorClass =
            switch verdict.code {
            case Verdict.failed: verdict.errorClass ?? "unnamed"
            case Verdict.snoozed: "snoozed"
            default: "handed_back"
            }
        lastTries[member.jobID] = Try(errorClass: errorClass, message: verdict.message)
        var member = member
        if verdict.code == Verdict.failed { member.tries += 1 }
        return (member, verdict.delayMilliseconds.flatMap { $0 > 0 ? $0 : nil })
    }
}
