/// Judges a history against the invariants of DESIGN.md: a pure function, whose every rule has a planted violation in
/// the tests.
///
/// It trusts nothing that could be wrong together with the queue: acceptances are what producers were told, effects are
/// counted from revisions, pointers are compared with the line of revisions, and bytes were read from the store.
struct Checker {
    let history: History
    let usersByID: [Int64: History.User]
    let jobsByID: [Int64: History.Job]
    let chunksByID: [Int64: History.Chunk]
    let outcomesByJob: [Int64: [History.Outcome]]
    let revisionsByID: [Int64: History.Revision]
    private(set) var found: [Violation] = []

    /// Everything that is wrong, in a fixed order.
    static func violations(in history: History) -> [Violation] {
        var checker = Checker(history)
        checker.checkJobs()
        checker.checkPromises()
        checker.checkEffects()
        checker.checkLines()
        checker.checkPointers()
        checker.checkErasure()
        checker.checkObjects()
        checker.checkOwners()
        checker.checkClocks()
        checker.checkClaimCost()
        return checker.found
    }

    private init(_ history: History) {
        self.history = history
        usersByID = Dictionary(history.users.map { ($0.uid, $0) }) { first, _ in first }
        jobsByID = Dictionary(history.jobs.map { ($0.id, $0) }) { first, _ in first }
        chunksByID = Dictionary(history.chunks.map { ($0.id, $0) }) { first, _ in first }
        outcomesByJob = Dictionary(grouping: history.outcomes, by: \.jobID)
        revisionsByID = Dictionary(history.revisions.map { ($0.id, $0) }) { first, _ in first }
    }

    mutating func report(_ kind: Violation.Kind, _ subject: String, _ facts: String) {
        found.append(Violation(kind, subject, facts))
    }

    func isErased(_ uid: Int64) -> Bool { usersByID[uid]?.isErased ?? false }

    /// I1: every job has exactly one outcome, every outcome a job, and nothing is left to work on.
    private mutating func checkJobs() {
        for job in history.jobs where outcomesByJob[job.id] == nil {
            report(.jobWithoutEnd, "job \(job.id)", "user \(job.uid), no outcome")
        }
        for (job, outcomes) in outcomesByJob.sorted(by: { $0.key < $1.key }) {
            if outcomes.count > 1 {
                report(.twoOutcomes, "job \(job)", "\(outcomes.map(\.ending))")
            }
            guard let asked = jobsByID[job] else {
                report(.outcomeWithoutJob, "job \(job)", "\(outcomes[0].ending), but nobody asked for it")
                continue
            }
            for outcome in outcomes where outcome.ending == .merged {
                let target = outcome.mergedInto.flatMap { jobsByID[$0] }
                if target?.uid != asked.uid || target?.id == job {
                    report(.mergedIntoNothing, "job \(job)", "merged into \(outcome.mergedInto ?? 0)")
                }
            }
        }
        for chunk in history.chunks where !chunk.isClosed {
            report(.chunkLeftOpen, "chunk \(chunk.id)", "attempt \(chunk.attempt)")
        }
    }

    /// I1, from the outside: what was acknowledged is there, once, and its data was looked at.
    private mutating func checkPromises() {
        for acceptance in history.told.accepted where !isErased(acceptance.uid) {
            let subject = "key \(acceptance.key.hash.prefix(12)) of user \(acceptance.uid)"
            guard let job = history.jobOfKey[acceptance.key], jobsByID[job]?.uid == acceptance.uid else {
                report(.acceptedJobMissing, subject, "acknowledged, but no job holds it")
                continue
            }
            if let told = acceptance.jobID, told != job {
                report(.twoJobsOfAKey, subject, "job \(told) was told, job \(job) holds it")
            }
        }
        for acceptance in history.told.accepted {
            if let told = acceptance.jobID, jobsByID[told] == nil {
                report(.acceptedJobMissing, "job \(told)", "told to its producer, but not there")
            }
        }
        for job in history.told.retried where jobsByID[job] == nil {
            report(.acceptedJobMissing, "job \(job)", "told to whoever retried, but not there")
        }
        var holders: [DedupKey: Int64] = [:]
        for job in history.jobs {
            guard let hash = job.keyHash else { continue }
            let key = DedupKey(tenantID: job.tenantID, hash: hash)
            if let other = holders.updateValue(job.id, forKey: key) {
                report(.twoJobsOfAKey, "key \(hash.prefix(12))", "jobs \(other) and \(job.id)")
            }
        }
        checkData()
    }

    /// Rule 4: producers enqueue after they record, so once all has ended, somebody looked at a user's last example.
    private mutating func checkData() {
        var judged: [Int64: Int64] = [:]
        for pointer in history.pointers {
            judged[pointer.uid] = max(judged[pointer.uid] ?? 0, pointer.judgedThrough)
            let recorded = usersByID[pointer.uid]?.dataSeq ?? 0
            if pointer.judgedThrough > recorded, !isErased(pointer.uid) {
                report(
                    .judgedBeyondData, "user \(pointer.uid)",
                    "judged through \(pointer.judgedThrough), \(recorded) examples recorded")
            }
        }
        // Whoever rolled back, cancelled or met a poisonous job has seen to it that data waits.
        var excused = Set(history.told.rollbacks.map(\.uid))
        for outcome in history.outcomes where [.cancelled, .discarded].contains(outcome.ending) {
            excused.insert(outcome.uid)
        }
        for uid in Set(history.told.accepted.map(\.uid)).subtracting(excused).sorted() where !isErased(uid) {
            let recorded = usersByID[uid]?.dataSeq ?? 0
            if judged[uid] ?? 0 < recorded {
                report(.dataNotAdapted, "user \(uid)", "judged through \(judged[uid] ?? 0) of \(recorded) examples")
            }
        }
    }

    /// I2: a job that completed made one revision, no other job made any, and only the holder of the lease ended it.
    private mutating func checkEffects() {
        let made = Dictionary(grouping: history.revisions, by: \.jobID)
        for (job, revisions) in made.sorted(by: { $0.key < $1.key }) {
            if revisions.count > 1 {
                report(.twoRevisionsOfAJob, "job \(job)", "revisions \(revisions.map(\.id).sorted())")
            }
            let outcome = outcomesByJob[job]?.first
            if outcome?.ending == .cancelled, history.told.cancelled.contains(job) {
                report(.cancelledJobRan, "job \(job)", "told to be cancelled, yet it made revision \(revisions[0].id)")
            } else if outcome?.ending != .completed || revisions.allSatisfy({ $0.id != outcome?.revisionID }) {
                let ending = outcome.map { "\($0.ending)" } ?? "nothing"
                report(.revisionWithoutCompletion, "job \(job)", "revision \(revisions[0].id), outcome \(ending)")
            }
        }
        for outcome in history.outcomes {
            if outcome.ending == .completed, made[outcome.jobID] == nil, !isErased(outcome.uid) {
                report(
                    .completionWithoutRevision, "job \(outcome.jobID)", "revision \(outcome.revisionID ?? 0) is gone")
            }
            guard [.completed, .kept].contains(outcome.ending), let chunk = chunksByID[outcome.chunkID] else {
                continue
            }
            if !chunk.isClosed || !chunk.hasToken || chunk.attempt != outcome.attempt
                || chunk.workerID != outcome.workerID
            {
                report(
                    .publishedWithoutLease, "job \(outcome.jobID)",
                    "worker \(outcome.workerID ?? 0) attempt \(outcome.attempt), but chunk \(chunk.id) is worker "
                        + "\(chunk.workerID ?? 0)'s, attempt \(chunk.attempt)\(chunk.hasToken ? "" : ", taken back")")
            }
        }
        let cancelled = Set(history.told.cancelled)
        for job in cancelled.sorted() {
            if let ending = outcomesByJob[job]?.first?.ending, ending != .cancelled {
                report(.cancelledJobRan, "job \(job)", "told to be cancelled, yet it ended as \(ending)")
            }
        }
    }
}
