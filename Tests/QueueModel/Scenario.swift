/// A small case: how it begins, and what may disturb it.
package struct Scenario: Sendable, CustomStringConvertible {
    /// What it is about.
    package let description: String
    /// Steps from an empty queue to where it begins.
    package var setup: [Step]
    /// What may disturb it.
    package var disturbances: Set<Step.Disturbance>
    /// Disturbances in all.
    package var budget: UInt8
    /// Processes that work at the same time.
    package var liveWorkers = 2
    /// Processes in all: when these are dead, and nobody works, the queue killed its workers without end.
    package var workers = 6
    /// Jobs in all; producers ask for no more.
    package var jobs = 4
    /// Whether objects are collected.
    package var collects = false
    /// Whether a campaign runs under the second base.
    package var hasCampaign = false

    /// Makes a scenario.
    package init(
        _ description: String, _ setup: [Step], _ disturbances: Set<Step.Disturbance>, budget: UInt8
    ) {
        self.description = description
        self.setup = setup
        self.disturbances = disturbances
        self.budget = budget
    }

    /// Where it begins.
    ///
    /// - Throws: ``Violation`` when already the way there breaks something.
    package func start(rules: Rules = .all) throws(Violation) -> Lifecycle {
        var state = Lifecycle(rules: rules)
        for step in setup { try state.apply(step) }
        state.disturbancesLeft = budget
        state.unflushed = []
        return state
    }
}

extension Scenario {
    /// The steps that are possible in a state.
    package func steps(from state: Lifecycle) -> [Step] {
        let possible = state.producerSteps(self) + state.workerSteps(self) + state.upkeepSteps(self)
        return possible.filter { step in
            guard let disturbance = step.disturbance(in: state) else { return true }
            return state.disturbancesLeft > 0 && disturbances.contains(disturbance)
        }
    }
}

extension Lifecycle {
    fileprivate func producerSteps(_ scenario: Scenario) -> [Step] {
        guard disturbancesLeft > 0 else { return [] }
        var steps: [Step] = []
        for (index, user) in users.enumerated() where !user.isErased {
            let id = UInt8(index)
            steps += [.record(user: id), .erase(user: id)]
            if jobs.count < scenario.jobs {
                steps.append(.enqueue(users: [id]))
                if !rules.contains(.mergeAtClaim), let waiting = waitingJob(of: id) {
                    steps.append(.mergeLate(user: id, into: waiting))
                }
            }
            steps += rollbacks(of: id)
        }
        for (index, job) in jobs.enumerated() {
            let id = UInt8(index)
            if job.ending == nil {
                steps.append(rules.contains(.cancelLocksFirst) ? .cancel(job: id) : .cancelLate(job: id))
                if let chunk = chunk(holding: id), chunks[Int(chunk)].state == .deferred {
                    steps.append(.retry(job: id))
                }
            } else if job.ending == .cancelled || job.ending == .discarded, jobs.count < scenario.jobs,
                !jobs.contains(where: { $0.retryOf == id })
            {
                steps.append(.retry(job: id))
            }
        }
        return steps + [.promote(base: 1 - activeBase)]
    }

    private func waitingJob(of user: UInt8) -> UInt8? {
        jobs.indices.first { index in
            guard jobs[index].user == user, jobs[index].ending == nil else { return false }
            return chunk(holding: UInt8(index)).map { chunks[Int($0)].state == .ready } ?? false
        }.map(UInt8.init)
    }

    private func rollbacks(of user: UInt8) -> [Step] {
        guard let pointer = users[Int(user)].pointers[Int(activeBase)] else { return [] }
        let earlier = revisions.indices.filter {
            revisions[$0].user == user && revisions[$0].base == activeBase && pointer.revision != UInt8($0)
        }
        return earlier.map { .rollback(user: user, to: UInt8($0)) }
            + (pointer.revision == nil ? [] : [.rollback(user: user, to: nil)])
    }

    fileprivate func workerSteps(_ scenario: Scenario) -> [Step] {
        let alive = workers.filter(\.isAlive).count
        var steps: [Step] = []
        if alive == 0 || (alive < scenario.liveWorkers && jobs.contains(where: \.isPoison)),
            workers.count < scenario.workers
        {
            steps.append(.start)
        }
        for (index, worker) in workers.enumerated() {
            let id = UInt8(index)
            if !worker.isExpired, leases(id) { steps.append(.expire(worker: id)) }
            guard worker.isAlive else { continue }
            steps.append(.crash(worker: id))
            if worker.isExpired { steps.append(.heartbeat(worker: id)) }
            if let grip = worker.grip {
                if !holdsPoison(id) { steps += deliveries(id, grip) }
            } else if !worker.isExpired, !hasTwinBefore(id) {
                steps += claims(id)
            }
        }
        return steps
    }

    /// Whether an earlier worker is as fresh as this one: then what this one claims, that one may as well.
    private func hasTwinBefore(_ worker: UInt8) -> Bool {
        func isFresh(_ id: UInt8) -> Bool {
            workers[Int(id)] == Worker()
                && !chunks.contains { ($0.state == .leased && $0.worker == id) || $0.holders & (1 << UInt16(id)) != 0 }
        }
        return isFresh(worker) && (0..<worker).contains(where: isFresh)
    }

    private func claims(_ worker: UInt8) -> [Step] {
        let ready = chunks.indices.filter { chunks[$0].state == .ready }.map(UInt8.init)
        let together = ready.filter { chunks[Int($0)].crashes < 2 && !chunks[Int($0)].isFed }
        return ready.map { .claim(worker: worker, chunks: [$0]) }
            + (together.count > 1 ? [.claim(worker: worker, chunks: together)] : [])
    }

    private func deliveries(_ worker: UInt8, _ grip: Grip) -> [Step] {
        var steps: [Step] = [.kept, .failed, .handedBack].map { .publish(worker: worker, $0) }
        if grip.object == nil { steps.append(.upload(worker: worker)) }
        guard grip.object != nil || !rules.contains(.uploadFirst) else { return steps }
        steps += [
            .publish(worker: worker, .completed), .publishUnheard(worker: worker, .completed),
            .publishLate(worker: worker, .completed),
        ]
        if grip.parts.contains(where: { $0.jobs.count > 1 }) { steps.append(.publish(worker: worker, .first)) }
        return steps
    }

    fileprivate func upkeepSteps(_ scenario: Scenario) -> [Step] {
        var steps: [Step] = late.indices.map { .arrive(call: UInt8($0)) }
        for (index, chunk) in chunks.enumerated() {
            let id = UInt8(index)
            switch chunk.state {
            case .ready: steps.append(.park(chunk: id))
            case .deferred: steps.append(.wake(chunk: id))
            case .parked: steps.append(.unpark(chunk: id))
            case .leased:
                if !chunk.isOverdue { steps.append(.overdue(chunk: id)) }
                if chunk.isOverdue || workers[Int(chunk.worker)].isExpired { steps.append(.rescue(chunk: id)) }
            case .closed: break
            }
        }
        if scenario.hasCampaign {
            if Int(cursor) < users.count { steps.append(.feed) }
            if !late.contains(where: { if case .feed = $0 { true } else { false } }) { steps.append(.feedLate) }
        }
        if scenario.collects { steps += collections() }
        if !unflushed.isEmpty { steps.append(.loseClaims) }
        return steps
    }

    private func collections() -> [Step] {
        var steps: [Step] = []
        for (index, object) in objects.enumerated() {
            let id = UInt8(index)
            if object.row == .deleted, !object.isStored { steps.append(.putAgain(object: id)) }
            guard object.isStored else { continue }
            if object.row == .condemned { steps.append(.delete(object: id)) }
            guard isUnnamed(id) else { continue }
            if !rules.contains(.condemnFirst) { steps.append(.delete(object: id)) }
            switch object.row {
            case .none, .live: if fenceIsOver(object) { steps.append(.condemn(object: id)) }
            // Its key is returned again to whoever lists it again.
            case .deleted: if rules.contains(.collectAgain) { steps.append(.delete(object: id)) }
            case .condemned: break
            }
        }
        return steps
    }
}
