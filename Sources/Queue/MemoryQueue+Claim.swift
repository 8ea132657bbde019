import FoundationEssentials
import Problem

extension MemoryQueue {
    mutating func claim(_ request: ClaimRequest) throws -> ClaimResult {
        guard let worker = workers[request.workerID], worker.state == .active, worker.leaseUntil > now else {
            throw Problem(
                "worker_gone", at: "worker \(request.workerID)",
                "it is not registered, is draining, or its lease has run out.",
                do: "send a heartbeat, or register again")
        }
        var result = ClaimResult(
            chunks: [], endedJobs: 0, mark: request.mark, next: nil, horizon: Horizon("\(change)"),
            needsEmptyHands: false)
        let held = chunks.values.filter { $0.state == .leased && $0.workerID == request.workerID }
        if held.contains(where: { $0.crashes >= 2 }) {
            result.needsEmptyHands = true
        } else if !request.isLook {
            take(request, holdsNothing: held.isEmpty, into: &result)
        }
        result.next = ready(request.lane).first { $0.mark > result.mark }?.mark
        return result
    }

    private func ready(_ lane: Int32) -> [Chunk] {
        chunks.values.filter { $0.lane == lane && $0.state == .ready }.sorted { $0.mark < $1.mark }
    }

    private mutating func take(_ request: ClaimRequest, holdsNothing: Bool, into result: inout ClaimResult) {
        let candidates =
            request.lane == ClaimRequest.parkedLane
            ? parkedHeads()
            : ready(request.lane).filter { chunk in
                guard let since = request.lateSince.flatMap({ Int64($0.text) }) else {
                    return chunk.mark > request.mark
                }
                return chunk.born >= since && chunk.mark <= request.mark
            }
        var taken: [Chunk] = []
        var (cost, count): (Float, Int) = (0, 0)
        for chunk in candidates {
            guard cost < request.costBudgetMilliseconds, count < Int(request.jobBudget) else { break }
            if chunk.crashes >= 2, !(holdsNothing && taken.isEmpty) {
                result.needsEmptyHands = taken.isEmpty
                break
            }
            taken.append(chunk)
            cost += chunk.cost
            count += chunk.members.count
            if request.lateSince == nil, chunk.state == .ready { result.mark = chunk.mark }
            if chunk.crashes >= 2 { break }
        }
        var resolved: [Chunk] = []
        for chunk in withinLimits(taken) {
            guard let active = tenants[chunk.tenantID]?.active else {
                putOff(chunk)
                continue
            }
            var chunk = chunk
            (chunk.baseID, chunk.recipeID) = (active.base, active.recipe)
            resolved.append(chunk)
        }
        let newest = newestJobs(of: resolved)
        for chunk in resolved { lease(chunk, to: request.workerID, newest, into: &result) }
    }

    private mutating func putOff(_ chunk: Chunk) {
        let delay = min(60, 5 * Double(1 << min(chunk.waits, 4)))
        chunks[chunk.id]?.state = .deferred
        chunks[chunk.id]?.runAt = now + delay
        chunks[chunk.id]?.waits += 1
        for member in chunk.members {
            lastTries[member.jobID] = Try(errorClass: "no_active_base", message: nil)
        }
    }

    /// For each user, the newest job that has not ended.
    private func newestJobs(of chunks: [Chunk]) -> [Int64: Int64] {
        var newest: [Int64: Int64] = [:]
        for member in chunks.flatMap(open) {
            guard let uid = jobs[member.jobID]?.uid else { continue }
            newest[uid] = max(newest[uid] ?? 0, member.jobID)
        }
        return newest
    }

    private mutating func lease(
        _ chunk: Chunk, to workerID: Int64, _ newest: [Int64: Int64], into result: inout ClaimResult
    ) {
        var chunk = chunk
        let token = UUID()
        (chunk.attempt, chunk.token, chunk.workerID) = (chunk.attempt + 1, token, workerID)
        var claimed: [ClaimedJob] = []
        for member in open(chunk) {
            guard let job = jobs[member.jobID], let user = users[job.uid] else { continue }
            let pointer = user.pointers[chunk.baseID]
            if let ended = ending(job, user, pointer, chunk, newest, member) {
                outcomes[job.id] = ended
                result.endedJobs += 1
                count(ended, chunk, into: &result.statistics)
            } else if let name = user.name {
                claimed.append(
                    ClaimedJob(
                        jobID: job.id, chunkID: chunk.id, uid: job.uid, user: name, epoch: user.epoch,
                        parentRevision: pointer?.revisionID, dataSeq: user.dataSeq, tries: member.tries,
                        payload: job.payload))
            }
        }
        chunk.state = claimed.isEmpty ? .closed : .leased
        chunk.deadline = now + Self.deadlineSeconds + Double(chunk.cost) * 20 / 1000
        chunks[chunk.id] = chunk
        guard !claimed.isEmpty, let tenant = tenants[chunk.tenantID] else { return }
        result.chunks.append(
            ClaimedChunk(
                fence: Fence(chunkID: chunk.id, attempt: chunk.attempt, token: token), tenantID: tenant.id,
                tenant: tenant.name, keyPrefix: tenant.name, flowID: flowID(chunk), kind: chunk.kind,
                baseID: chunk.baseID,
                baseDigest: MemoryQueueStore.digest(chunk.baseID), recipeID: chunk.recipeID,
                recipeDigest: MemoryQueueStore.digest(chunk.recipeID), campaignID: nil, crashes: chunk.crashes,
                place: chunk.mark, deadlineSeconds: chunk.deadline - now, costMilliseconds: chunk.cost,
                jobs: claimed))
    }

    private func flowID(_ chunk: Chunk) -> Int32 {
        chunk.tenantID * 3 + Int32(Flow.allCases.firstIndex(of: chunk.flow) ?? 0)
    }

    private func count(_ ended: Outcome, _ chunk: Chunk, into statistics: inout WorkStatistics) {
        var one = WorkStatistics.Line()
        one.jobs = 1
        let ending: WorkStatistics.Ending =
            switch ended.state {
            case .merged: .merged
            case .covered: .covered
            default: .cancelled
            }
        statistics.add(
            one, .init(tenantID: chunk.tenantID, flowID: flowID(chunk), kind: chunk.kind, ending: ending))
    }

    /// How a job ends in the claim itself, if it does.
    private func ending(
        _ job: Job, _ user: User, _ pointer: Pointer?, _ chunk: Chunk, _ newest: [Int64: Int64], _ member: Member
    ) -> Outcome? {
        var outcome = Outcome(state: .merged, attempt: chunk.attempt, tries: member.tries)
        if user.name == nil {
            (outcome.state, outcome.errorClass) = (.cancelled, "user_erased")
        } else if let winner = newest[job.uid], winner != job.id {
            outcome.mergedInto = winner
        } else if let pointer, user.dataSeq > 0, pointer.judgedThrough >= user.dataSeq,
            pointer.recipeID == chunk.recipeID
        {
            outcome.state = .covered
            outcome.revision = pointer.revisionID == nil ? nil : pointer.number
        } else {
            return nil
        }
        return outcome
    }
}
