/// What workers do.
extension Lifecycle {
    /// Leases chunks, and ends what needs no work: of each user's jobs the newest runs, covered ones do not.
    mutating func claim(_ worker: UInt8, _ claimed: [UInt8]) throws(Violation) {
        for chunk in claimed { chunks[Int(chunk)].base = chunks[Int(chunk)].isFed ? 1 : activeBase }
        var newest: [Int: UInt8] = [:]
        for chunk in claimed {
            for member in openMembers(of: chunk) {
                let key = Int(jobs[Int(member.job)].user) * 2 + Int(chunks[Int(chunk)].base)
                newest[key] = max(newest[key] ?? 0, member.job)
            }
        }
        var parts: [Part] = []
        let token = freshToken()
        for (position, chunk) in claimed.enumerated() {
            let before = chunks[Int(chunk)]
            var undone = UndoneClaim(chunk: chunk, before: before, ended: [])
            var part = Part(
                chunk: chunk, attempt: before.attempt + 1,
                token: rules.contains(.token) ? token + UInt8(position) : token, base: before.base, jobs: [])
            for member in openMembers(of: chunk) {
                let user = Int(jobs[Int(member.job)].user)
                let pointer = users[user].pointers[Int(before.base)]
                if users[user].isErased {
                    try end(member.job, .cancelled)
                } else if let winner = newest[user * 2 + Int(before.base)], winner != member.job {
                    try end(member.job, .merged)
                    jobs[Int(member.job)].mergedInto = winner
                } else if let pointer, users[user].data > 0, pointer.judged >= users[user].data {
                    try end(member.job, .covered)
                    jobs[Int(member.job)].through = pointer.judged
                } else {
                    part.jobs.append(
                        HeldJob(job: member.job, parent: pointer?.revision, through: users[user].data))
                    continue
                }
                undone.ended.append(member.job)
            }
            chunks[Int(chunk)].attempt = part.attempt
            chunks[Int(chunk)].token = part.token
            chunks[Int(chunk)].worker = worker
            chunks[Int(chunk)].state = part.jobs.isEmpty ? .closed : .leased
            chunks[Int(chunk)].isOverdue = false
            if !part.jobs.isEmpty { parts.append(part) }
            unflushed.append(undone)
        }
        if !parts.isEmpty { workers[Int(worker)].grip = Grip(parts: parts) }
    }

    mutating func upload(_ worker: UInt8, isStored: Bool) {
        guard let first = workers[Int(worker)].grip?.parts.first else { return }
        workers[Int(worker)].grip?.object = UInt8(objects.count)
        objects.append(Object(chunk: first.chunk, attempt: first.attempt, token: first.token, isStored: isStored))
    }

    mutating func publish(_ worker: UInt8, _ verdict: Verdict) throws(Violation) {
        nameObject(worker, verdict)
        guard let grip = workers[Int(worker)].grip else { return }
        try write(judge(grip, verdict), grip, verdict)
    }

    mutating func publishLater(_ worker: UInt8, _ verdict: Verdict) {
        nameObject(worker, verdict)
        guard let grip = workers[Int(worker)].grip else { return }
        let judged = rules.contains(.publishLocksFirst) ? nil : judge(grip, verdict)
        late.append(.publish(grip, verdict, judged: judged))
    }

    /// Without the rule that the upload comes first, a publish names what is not there yet.
    private mutating func nameObject(_ worker: UInt8, _ verdict: Verdict) {
        guard verdict == .completed || verdict == .first, workers[Int(worker)].grip?.object == nil else { return }
        upload(worker, isStored: false)
    }

    /// The server comes back as it was before the claims that it had not flushed.
    mutating func loseClaims() {
        for undone in unflushed.reversed() {
            chunks[Int(undone.chunk)] = undone.before
            for job in undone.ended {
                (jobs[Int(job)].ending, jobs[Int(job)].mergedInto, jobs[Int(job)].through) = (nil, nil, 0)
            }
        }
        unflushed = []
    }
}
