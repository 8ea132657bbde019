/// Publishing, in two halves: what becomes of each job, and the writing of it.
extension Lifecycle {
    /// Finds out what a delivery may do, by what stands now.
    func judge(_ grip: Grip, _ verdict: Verdict) -> Judgement {
        var judgement = Judgement()
        for part in grip.parts
        where fenceHolds(part) && (chunks[Int(part.chunk)].state == .leased || !rules.contains(.onlyLeased)) {
            judgement.live.append(part)
            for (position, held) in part.jobs.enumerated() {
                judgement.finals.append(
                    .init(
                        held: held, chunk: part.chunk, base: part.base,
                        fate: fate(of: held, position, part, grip, verdict)))
            }
        }
        return judgement
    }

    private func fenceHolds(_ part: Part) -> Bool {
        let chunk = chunks[Int(part.chunk)]
        return (chunk.token == part.token || !rules.contains(.token))
            && (chunk.attempt == part.attempt || !rules.contains(.attempt))
    }

    private func fate(
        of held: HeldJob, _ position: Int, _ part: Part, _ grip: Grip, _ verdict: Verdict
    ) -> Judgement.Fate {
        let job = jobs[Int(held.job)]
        let user = users[Int(job.user)]
        // A publish looks for endings only where one was counted: that the chunk is leased says that there is no other.
        if job.ending != nil, rules.contains(.onlyLeased) { return .endedBefore }
        if user.isErased, rules.contains(.epoch) { return .erased }
        switch verdict {
        case .completed, .first:
            if verdict == .first, position > 0 { return .handedBack }
            if user.pointers[Int(part.base)]?.revision != held.parent, rules.contains(.compareAndSet) {
                return .superseded
            }
            let row = grip.object.map { objects[Int($0)].row } ?? .none
            if row == .condemned || row == .deleted, rules.contains(.publishSeesCondemned) { return .collected }
            return .completed
        case .kept: return .kept
        case .handedBack: return .handedBack
        case .failed:
            let tries = chunks[Int(part.chunk)].members.first { $0.job == held.job }?.tries ?? 0
            return tries >= 1 ? .discarded : .failed
        }
    }

    /// Writes what was judged, in one transaction; tells the worker about what it had published before.
    mutating func write(_ judgement: Judgement, _ grip: Grip, _ verdict: Verdict) throws(Violation) {
        for part in grip.parts where !judgement.live.contains(part) {
            let chunk = chunks[Int(part.chunk)]
            if chunk.state == .closed, fenceHolds(part), chunk.publishedBy != part.token {
                throw Violation("I2", "chunk \(part.chunk) was reported as published to a worker that had lost it")
            }
        }
        for final in judgement.finals {
            switch final.fate {
            case .completed:
                try complete(final, grip.object)
            case .kept: try keep(final)
            case .erased: try end(final.held.job, .cancelled)
            case .discarded: try end(final.held.job, .discarded)
            case .failed, .handedBack, .superseded, .collected, .endedBefore: break
            }
        }
        if let object = grip.object, judgement.finals.contains(where: { $0.fate == .completed }) {
            objects[Int(object)].row = .live
        }
        for part in judgement.live {
            requeueRest(part, judgement.finals.filter { $0.chunk == part.chunk })
            chunks[Int(part.chunk)].state = .closed
            chunks[Int(part.chunk)].publishedBy = part.token
        }
    }

    private mutating func complete(_ final: Judgement.Final, _ object: UInt8?) throws(Violation) {
        let user = Int(jobs[Int(final.held.job)].user)
        var pointer = users[user].pointers[Int(final.base)] ?? Pointer()
        guard pointer.revision == final.held.parent else {
            throw Violation("I4", "job \(final.held.job) replaced a revision that it had not started from")
        }
        guard !users[user].isErased else {
            throw Violation("I8", "job \(final.held.job) published for a user who was erased")
        }
        try end(final.held.job, .completed)
        jobs[Int(final.held.job)].through = final.held.through
        (pointer.number, pointer.judged) = (pointer.number + 1, final.held.through)
        pointer.revision = UInt8(revisions.count)
        users[user].pointers[Int(final.base)] = pointer
        revisions.append(
            Revision(
                user: UInt8(user), base: final.base, number: pointer.number, parent: final.held.parent,
                job: final.held.job, through: final.held.through, object: object ?? .max))
    }

    private mutating func keep(_ final: Judgement.Final) throws(Violation) {
        let user = Int(jobs[Int(final.held.job)].user)
        try end(final.held.job, .kept)
        jobs[Int(final.held.job)].through = final.held.through
        var pointer = users[user].pointers[Int(final.base)] ?? Pointer()
        guard pointer.revision == final.held.parent, !users[user].isErased else { return }
        pointer.judged = final.held.through
        users[user].pointers[Int(final.base)] = pointer
    }

    /// What did not end goes on in new chunks: at once, or after a delay.
    private mutating func requeueRest(_ part: Part, _ finals: [Judgement.Final]) {
        var (now, later): ([Member], [Member]) = ([], [])
        for var member in openMembers(of: part.chunk) {
            let fate = finals.first { $0.held.job == member.job }?.fate ?? .handedBack
            switch fate {
            case .failed:
                member.tries += 1
                later.append(member)
            case .superseded:
                let costsTry = member.superseded >= 3
                member.superseded = (member.superseded + 1) % 4
                if costsTry { member.tries += 1 }
                if costsTry { later.append(member) } else { now.append(member) }
            default: now.append(member)
            }
        }
        requeue(part.chunk, now, .ready)
        requeue(part.chunk, later, .deferred)
    }
}
