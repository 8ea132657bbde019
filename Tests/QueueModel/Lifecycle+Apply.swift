/// What a step broke while it was taken: something that the state after it may no longer show.
package struct Violation: Error, Hashable, Sendable, CustomStringConvertible {
    /// The invariant of DESIGN.md, section 3.
    package let invariant: String
    /// What was broken.
    package let description: String

    init(_ invariant: String, _ what: String) {
        self.invariant = invariant
        description = "\(invariant): \(what)"
    }
}

extension Lifecycle {
    /// Takes a step that is possible here.
    ///
    /// - Throws: ``Violation`` when the step itself shows that a rule was missing.
    package mutating func apply(_ step: Step) throws(Violation) {
        if step.disturbance(in: self) != nil { disturbancesLeft -= min(1, disturbancesLeft) }
        if step.isDurable { unflushed = [] }
        switch step {
        case .addUser: users.append(User())
        case .record(let user): users[Int(user)].data += 1
        case .enqueue(let users): enqueue(users.map { newJob(of: $0) }, isFed: false)
        case .enqueuePoison(let user):
            var job = newJob(of: user)
            job.isPoison = true
            enqueue([job], isFed: false)
        case .cancel(let job): try cancel(job)
        case .cancelLate(let job):
            if let chunk = chunk(holding: job) { late.append(.cancel(job: job, chunk: chunk)) }
        case .retry(let job): retry(job)
        case .erase(let user): erase(user)
        case .rollback(let user, let to): rollback(user, to)
        case .promote(let base): activeBase = base
        case .mergeLate(let user, let job): late.append(.merge(user: user, into: job))
        case .start: workers.append(Worker())
        case .heartbeat(let worker): workers[Int(worker)].isExpired = false
        case .claim(let worker, let chunks): try claim(worker, chunks)
        case .upload(let worker): upload(worker, isStored: true)
        case .publish(let worker, let verdict):
            try publish(worker, verdict)
            workers[Int(worker)].grip = nil
        case .publishUnheard(let worker, let verdict): try publish(worker, verdict)
        case .publishLate(let worker, let verdict): publishLater(worker, verdict)
        case .crash(let worker): workers[Int(worker)] = Worker(isAlive: false, isExpired: !leases(worker), grip: nil)
        case .expire(let worker): workers[Int(worker)].isExpired = true
        case .overdue(let chunk): chunks[Int(chunk)].isOverdue = true
        case .rescue(let chunk): try rescue(chunk)
        case .wake(let chunk), .unpark(let chunk): goOn(chunk)
        case .park(let chunk): chunks[Int(chunk)].state = .parked
        case .feed: try feed(cursor: cursor)
        case .feedLate: late.append(.feed(cursor: cursor))
        case .condemn(let object): objects[Int(object)].row = .condemned
        case .delete(let object):
            objects[Int(object)].isStored = false
            if objects[Int(object)].row != .none { objects[Int(object)].row = .deleted }
        case .arrive(let call): try arrive(late.remove(at: Int(call)))
        case .putAgain(let object): objects[Int(object)].isStored = true
        case .loseClaims: loseClaims()
        }
        renameTokens()
    }

    private mutating func arrive(_ call: LateCall) throws(Violation) {
        switch call {
        case .publish(let grip, let verdict, let judged):
            try write(judged ?? judge(grip, verdict), grip, verdict)
        case .cancel(let job, let chunk):
            try end(job, .cancelled)
            closeIfEnded(chunk)
        case .feed(let planned): try feed(cursor: planned)
        case .merge(let user, let target):
            users[Int(user)].data += 1
            var job = newJob(of: user)
            (job.ending, job.mergedInto) = (.merged, target)
            jobs.append(job)
        case .requeue(let chunk): requeue(chunk, openMembers(of: chunk), .ready)
        }
    }

    /// Ends a job, once.
    mutating func end(_ job: UInt8, _ ending: Ending) throws(Violation) {
        guard jobs[Int(job)].ending == nil else {
            throw Violation("I1", "job \(job) ended as \(ending) after it had ended")
        }
        jobs[Int(job)].ending = ending
    }

    /// Whether a worker has chunks, whatever it knows of them.
    func leases(_ worker: UInt8) -> Bool { chunks.contains { $0.state == .leased && $0.worker == worker } }

    /// Members of a chunk that have not ended.
    func openMembers(of chunk: UInt8) -> [Member] {
        chunks[Int(chunk)].members.filter { jobs[Int($0.job)].ending == nil }
    }

    /// The open chunk that holds a job.
    func chunk(holding job: UInt8) -> UInt8? {
        chunks.indices.first { index in
            chunks[index].state != .closed && chunks[index].members.contains { $0.job == job }
        }.map(UInt8.init)
    }

    /// Whether a worker works on a job that kills it.
    func holdsPoison(_ worker: UInt8) -> Bool {
        workers[Int(worker)].grip?.parts.contains { part in
            part.jobs.contains { jobs[Int($0.job)].isPoison }
        } ?? false
    }
}

extension Step {
    /// Whether its commit is flushed, and with it everything before it.
    var isDurable: Bool {
        switch self {
        case .heartbeat, .claim, .upload, .crash, .expire, .overdue, .cancelLate, .feedLate, .mergeLate, .publishLate,
            .putAgain, .loseClaims:
            false
        default: true
        }
    }
}
