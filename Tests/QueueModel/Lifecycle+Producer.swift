/// What producers and operators do.
extension Lifecycle {
    func newJob(of user: UInt8) -> Job { Job(user: user, need: users[Int(user)].data) }

    mutating func enqueue(_ entries: [Job], isFed: Bool) {
        let first = UInt8(jobs.count)
        jobs += entries
        let members = entries.indices.map { Member(job: first + UInt8($0)) }
        chunks.append(Chunk(members: members, isFed: isFed))
    }

    mutating func cancel(_ job: UInt8) throws(Violation) {
        guard jobs[Int(job)].ending == nil, let chunk = chunk(holding: job) else { return }
        try end(job, .cancelled)
        closeIfEnded(chunk)
    }

    /// A chunk that nobody holds is closed with its last job.
    mutating func closeIfEnded(_ chunk: UInt8) {
        let state = chunks[Int(chunk)].state
        if state != .leased, state != .closed, openMembers(of: chunk).isEmpty { chunks[Int(chunk)].state = .closed }
    }

    /// An ended job is enqueued again as a new one; one that waits for its time runs now.
    mutating func retry(_ job: UInt8) {
        if jobs[Int(job)].ending != nil {
            var again = newJob(of: jobs[Int(job)].user)
            (again.retryOf, again.isPoison, again.isFed) = (job, jobs[Int(job)].isPoison, false)
            let wasFed = jobs[Int(job)].isFed
            enqueue([again], isFed: wasFed)
        } else if let chunk = chunk(holding: job), chunks[Int(chunk)].state == .deferred {
            let members = openMembers(of: chunk).map { Member(job: $0.job, tries: 0, superseded: $0.superseded) }
            requeue(chunk, members, .ready)
            close(chunk)
        }
    }

    mutating func erase(_ user: UInt8) {
        users[Int(user)] = User(data: 0, isErased: true)
        for index in revisions.indices where revisions[index].user == user { revisions[index].isErased = true }
    }

    /// Data that only later revisions had seen counts as new again.
    mutating func rollback(_ user: UInt8, _ target: UInt8?) {
        users[Int(user)].pointers[Int(activeBase)]?.revision = target
        users[Int(user)].pointers[Int(activeBase)]?.judged = target.map { revisions[Int($0)].through } ?? 0
    }

    /// The next user of the campaign, unless the cursor is no longer where the step was planned from.
    mutating func feed(cursor planned: UInt8) throws(Violation) {
        if rules.contains(.cursorCompareAndSet), planned != cursor { return }
        guard let user = users.indices.first(where: { $0 >= Int(planned) && !users[$0].isErased }) else {
            cursor = UInt8(users.count)
            return
        }
        var job = newJob(of: UInt8(user))
        guard !jobs.contains(where: { $0.isFed && $0.user == job.user }) else {
            throw Violation("I1", "the campaign fed user \(user) twice")
        }
        job.isFed = true
        enqueue([job], isFed: true)
        cursor = UInt8(user) + 1
    }
}
