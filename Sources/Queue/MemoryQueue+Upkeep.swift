import FoundationEssentials
import Problem

extension MemoryQueue {
    mutating func rescue(limit: Int) -> [RescuedChunk] {
        let alive = workers.values.filter { $0.state != .stopped && $0.leaseUntil > now }.count
        var rescued: [RescuedChunk] = []
        for chunk in chunks.values.filter({ $0.state == .leased }).sorted(by: { $0.id < $1.id })
        where rescued.count < limit {
            guard let workerID = chunk.workerID else { continue }
            let isExpired = (workers[workerID]?.leaseUntil ?? -.infinity) < now
            guard isExpired || chunk.deadline < now else { continue }
            let errorClass = isExpired ? "lease_expired" : "deadline_passed"
            rescued.append(takeBack(chunk, from: workerID, errorClass, alive: alive))
        }
        return rescued
    }

    private mutating func takeBack(
        _ chunk: Chunk, from workerID: Int64, _ errorClass: String, alive: Int
    ) -> RescuedChunk {
        var chunk = chunk
        chunk.crashes += 1
        chunk.crashWorkers.insert(workerID)
        let members = open(chunk)
        for member in members { lastTries[member.jobID] = Try(errorClass: errorClass, message: nil) }
        var row = RescuedChunk(
            chunkID: chunk.id, workerID: workerID, errorClass: errorClass, requeued: members.count, discarded: 0)
        let runAt = chunk.crashes > 1 ? now + min(60, Double(1 << min(Int(chunk.crashes), 6))) : nil
        if members.count == 1, chunk.crashes >= 3, alive <= 1 || chunk.crashWorkers.count >= 2 {
            outcomes[members[0].jobID] = Outcome(
                state: .discarded, attempt: chunk.attempt, tries: members[0].tries, errorClass: "worker_crashed")
            (row.requeued, row.discarded) = (0, 1)
        } else if chunk.crashes >= 2 {
            for member in members { requeue(chunk, [member], runAt: runAt) }
        } else {
            requeue(chunk, members, runAt: runAt)
        }
        chunks[chunk.id]?.state = .closed
        chunks[chunk.id]?.token = nil
        return row
    }

    mutating func wake(limit: Int) -> Int {
        let due = chunks.values.filter { $0.state == .deferred && ($0.runAt ?? 0) <= now }
            .sorted { ($0.runAt ?? 0, $0.id) < ($1.runAt ?? 0, $1.id) }.prefix(limit)
        for chunk in due {
            requeue(chunk, open(chunk), runAt: nil)
            chunks[chunk.id]?.state = .closed
        }
        return due.count + unpark(limit: limit)
    }

    /// Puts chunks into a lane of a worker that holds their base, or off for longer each time while there is none.
    mutating func passOn(_ fences: [Fence], _ reason: String) -> Int {
        var count = 0
        for fence in fences {
            guard var chunk = chunks[fence.chunkID], chunk.attempt == fence.attempt, chunk.token == fence.token,
                chunk.state == .leased
            else { continue }
            let digest = MemoryQueueStore.digest(chunk.baseID)
            let lane = workers.values.filter {
                $0.state == .active && $0.leaseUntil > now && $0.bases.contains(digest)
            }.flatMap(\.lanes).randomElement()
            let delay = lane == nil ? min(60, 2 * Double(1 << min(chunk.waits, 5))) : 0.2
            for member in open(chunk) { lastTries[member.jobID] = Try(errorClass: "base_not_held", message: reason) }
            chunks[chunk.id]?.state = .closed
            chunks[chunk.id]?.token = nil
            chunk.lane = lane ?? chunk.lane
            chunk.waits += 1
            requeue(chunk, open(chunk), runAt: now + delay)
            count += 1
        }
        return count
    }

    mutating func cancel(_ jobID: Int64) throws -> JobState {
        try requireJob(jobID)
        if let ended = outcomes[jobID] { return ended.state }
        guard let chunk = chunk(holding: jobID), let member = chunk.members.first(where: { $0.jobID == jobID }) else {
            throw Problem(
                "job_without_chunk", at: "job \(jobID)", "no open chunk holds it.",
                do: "report this as a defect of Attune.")
        }
        outcomes[jobID] = Outcome(state: .cancelled, attempt: chunk.attempt, tries: member.tries)
        if chunk.state != .leased, open(chunk).isEmpty { chunks[chunk.id]?.state = .closed }
        return .cancelled
    }

    mutating func retry(_ jobID: Int64) throws -> Int64 {
        let job = try requireJob(jobID)
        if let ended = outcomes[jobID] {
            guard ended.state == .cancelled || ended.state == .discarded, let tenant = tenants[job.tenantID] else {
                throw Problem(
                    "already_ended", at: "job \(jobID)", "it ended as \(ended.state.rawValue), which needs no retry.",
                    do: "enqueue a new job for the user")
            }
            if let next = repeats[jobID] {
                let state = outcomes[next]?.state
                let endedWell = state.map { $0 != .cancelled && $0 != .discarded } ?? false
                return endedWell ? next : try retry(next)
            }
            let new = insert(
                [(job.uid, job.payload)], tenant, job.flow, job.kind, cost: job.cost, runAt: nil,
                lane: lane(for: job.uid))[0]
            repeats[jobID] = new
            return new
        }
        if let chunk = chunk(holding: jobID), chunk.state == .deferred {
            requeue(chunk, open(chunk).map { Member(jobID: $0.jobID, superseded: $0.superseded) }, runAt: nil)
            chunks[chunk.id]?.state = .closed
        }
        return jobID
    }

    @discardableResult
    func requireJob(_ jobID: Int64) throws -> Job {
        guard let job = jobs[jobID] else {
            throw Problem("unknown_job", at: "job \(jobID)", "no such job.", do: "check the id")
        }
        return job
    }

    func lane(for uid: Int64) -> Int32 { Self.lanes[Int(uid) % Self.lanes.count] }

    func status(_ jobID: Int64) -> JobStatus? {
        guard let job = jobs[jobID], let tenant = tenants[job.tenantID] else { return nil }
        var status = JobStatus(
            jobID: jobID, tenant: tenant.name, user: users[job.uid]?.name, state: .available, attempt: 0, tries: 0,
            errorClass: lastTries[jobID]?.errorClass, message: lastTries[jobID]?.message)
        if let ended = outcomes[jobID] {
            (status.state, status.attempt, status.tries) = (ended.state, ended.attempt, ended.tries)
            (status.errorClass, status.message) = (ended.errorClass, ended.message)
            (status.revision, status.mergedInto) = (ended.revision, ended.mergedInto)
        } else if let chunk = chunk(holding: jobID), let member = chunk.members.first(where: { $0.jobID == jobID }) {
            (status.attempt, status.tries) = (chunk.attempt, member.tries)
            switch chunk.state {
            case .leased: status.state = .running
            case .deferred: status.state = chunk.crashes > 0 || member.tries > 0 ? .retryable : .scheduled
            case .ready, .parked, .closed: status.state = .available
            }
        }
        return status
    }
}
