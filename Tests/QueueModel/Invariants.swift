extension Lifecycle {
    /// What is broken here, whatever the way here (DESIGN.md, section 3); nil when nothing is.
    package var violation: Violation? {
        unaccounted ?? doubleEffect ?? doubleLease ?? brokenLine ?? danglingPointer ?? remains ?? uncovered
    }

    /// I1: every job has ended once, or waits or runs in exactly one open chunk.
    private var unaccounted: Violation? {
        for (index, job) in jobs.enumerated() where job.ending == nil {
            let places = chunks.count { chunk in
                chunk.state != .closed && chunk.members.contains { $0.job == UInt8(index) }
            }
            if places != 1 { return Violation("I1", "job \(index) has not ended and is in \(places) open chunks") }
        }
        return nil
    }

    /// I2: a completed job has one revision, and no other job has any.
    private var doubleEffect: Violation? {
        for (index, job) in jobs.enumerated() {
            let made = revisions.count { $0.job == UInt8(index) }
            if made != (job.ending == .completed ? 1 : 0) {
                return Violation(
                    "I2", "job \(index) made \(made) revisions and ended as \(String(describing: job.ending))")
            }
        }
        return nil
    }

    /// I3: of all that hold a leased chunk, only the one whom the lease names shows its fence.
    private var doubleLease: Violation? {
        for (index, chunk) in chunks.enumerated() where chunk.state == .leased {
            for (id, worker) in workers.enumerated() where UInt8(id) != chunk.worker {
                let shows = worker.grip?.parts.contains { part in
                    part.chunk == UInt8(index) && part.attempt == chunk.attempt && part.token == chunk.token
                }
                if shows == true {
                    return Violation("I3", "workers \(chunk.worker) and \(id) both hold chunk \(index)")
                }
            }
        }
        return nil
    }

    /// I4: a user's revisions under a base are numbered from 1, each after the one that it started from.
    private var brokenLine: Violation? {
        for (index, revision) in revisions.enumerated() {
            let before = revisions[..<index].filter { $0.user == revision.user && $0.base == revision.base }
            guard Int(revision.number) == before.count + 1 else {
                return Violation("I4", "user \(revision.user) has two revisions \(revision.number)")
            }
            if let parent = revision.parent, !before.contains(revisions[Int(parent)]) {
                return Violation("I4", "revision \(index) started from a revision of another line")
            }
        }
        return nil
    }

    /// I5: a pointer names a revision whose object is there, and whose row says so.
    private var danglingPointer: Violation? {
        for (index, user) in users.enumerated() {
            for pointer in user.pointers {
                guard let revision = pointer?.revision.map({ revisions[Int($0)] }) else { continue }
                guard revision.user == UInt8(index), !revision.isErased else {
                    return Violation("I5", "user \(index) points to a revision that is not the user's")
                }
                guard objects.indices.contains(Int(revision.object)), objects[Int(revision.object)].isStored,
                    objects[Int(revision.object)].row == .live
                else { return Violation("I5", "user \(index) points into an object that is not there") }
            }
        }
        return nil
    }

    /// I8: nothing of an erased user is left.
    private var remains: Violation? {
        for (index, user) in users.enumerated() where user.isErased {
            if user.pointers != [nil, nil] || revisions.contains(where: { $0.user == UInt8(index) && !$0.isErased }) {
                return Violation("I8", "user \(index) was erased and has a revision")
            }
        }
        return nil
    }

    /// Rule 4: what ended a job well has seen the data that the job was to cover, also of the jobs it took the place of.
    private var uncovered: Violation? {
        for (index, job) in jobs.enumerated() {
            var last = job
            while let next = last.mergedInto {
                guard jobs[Int(next)].user == job.user else {
                    return Violation("rule 4", "job \(index) was merged into another user's")
                }
                last = jobs[Int(next)]
            }
            guard last.ending == .completed || last.ending == .kept || last.ending == .covered else { continue }
            if last.through < job.need {
                return Violation("rule 4", "job \(index) ended without its data having been looked at")
            }
        }
        return nil
    }

    /// What is missing where nothing more can be done; nil when everything has come to its end.
    func unfinished(_ scenario: Scenario) -> Violation? {
        if let job = jobs.firstIndex(where: { $0.ending == nil }) {
            return Violation("I1", "job \(job) never ends")
        }
        if let chunk = chunks.firstIndex(where: { $0.state != .closed }) {
            return Violation("I1", "chunk \(chunk) stays open without a job")
        }
        if scenario.collects, let left = objects.indices.first(where: { objects[$0].isStored && isUnnamed(UInt8($0)) })
        {
            return Violation("rule 8", "object \(left) stays in the store for ever, and nothing names it")
        }
        if scenario.hasCampaign {
            for (user, row) in users.enumerated() where !row.isErased {
                let fed = jobs.contains { $0.isFed && $0.user == UInt8(user) }
                if !fed { return Violation("rule 23", "the campaign never reached user \(user)") }
            }
        }
        return nil
    }
}
