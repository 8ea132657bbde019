import Foundation
import Logging
import Synchronization
import Problem
package import Queue

extension Worker {
    /// Claims lane by lane and passes on what was claimed, chunks that agree together, until the drain begins or, if so configured, nothing is
    /// left. What `pass` waits for is not waited for by anything else: the next claim comes after it.
    func claimUntilDrained(_ pass: ([ClaimedChunk]) async -> Void) async throws {
        var schedule = LaneSchedule()
        var help = HelpForOthers()
        var idleSeconds = 0.0
        var lastFound = ContinuousClock.now
        var markedAt = -Double.infinity
        var lastGradient: ContinuousClock.Instant?
        let start = ContinuousClock.now
        while !drain.isDraining {
            try Task.checkCancellation()
            if claimIsInDoubt.withLock({ $0 }) {
                try await Task.sleep(for: .milliseconds(50))
                continue
            }
            let (lanes, serverStart, isPaused) = orders.withLock {
                ($0?.lanes ?? [], $0?.serverStart, $0?.state == .paused)
            }
            if isPaused {
                laneMarks.withLock { $0 = [:] }
                try await Task.sleep(for: .milliseconds(250))
                continue
            }
            schedule.setLanes(lanes + [ClaimRequest.parkedLane], serverStart: serverStart)
            if schedule.wantsEmptyHands, inHand.isEmpty { schedule.handsAreEmpty() }
            let id = workerID.withLock { $0 }
            let seconds = (ContinuousClock.now - start).seconds
            if seconds - markedAt >= 1 {
                markedAt = seconds
                laneMarks.withLock { $0 = schedule.marks.filter { $0.key != ClaimRequest.parkedLane } }
            }
            schedule.isHurried = lastGradient.map { .now - $0 < Self.hurry } ?? false
            guard let request = schedule.nextClaim(workerID: id, at: seconds) else {
                if inHand.isEmpty, let chunks = try await helpOthers(&help, at: seconds), !chunks.isEmpty {
                    (idleSeconds, lastFound) = (0, .now)
                    if chunks.contains(where: { $0.kind == MetaRunQueue.kind }) { lastGradient = .now }
                    for group in Self.deliveries(chunks) { await pass(group) }
                    continue
                }
                let isIdle = !lanes.isEmpty && inHand.isEmpty && (ContinuousClock.now - lastFound).seconds > 2
                if configuration.stopsWhenIdle, isIdle { return }
                idleSeconds = min(configuration.idleSeconds, max(0.02, idleSeconds * 1.5))
                try await Task.sleep(for: .seconds(idleSeconds))
                continue
            }
            let claim: ClaimResult
            do { claim = try await self.claim(request) } catch {
                // The database's fault or this worker's is every lane's, and over when it is; another may be this lane's alone.
                let problem = (error as? any ProblemConvertible)?.problem
                let isEveryLanes = problem.map { $0.isRetryable || $0.errorClass == "worker_gone" } ?? false
                if !isEveryLanes { schedule.noteFailure(of: request, at: seconds) }
                try await Task.sleep(for: .seconds(isEveryLanes ? 1 : 0.05))
                continue
            }
            schedule.note(claim, of: request, at: seconds)
            guard !claim.chunks.isEmpty else { continue }
            (idleSeconds, lastFound) = (0, .now)
            if claim.chunks.contains(where: { $0.kind == MetaRunQueue.kind }) { lastGradient = .now }
            await faults(.afterClaim)
            for group in Self.deliveries(claim.chunks) { await pass(group) }
        }
    }

    /// The next gradients are asked for only once these are there: for so long lanes are looked at more often.
    private static let hurry = Duration.seconds(2)

    /// Chunks that agree in tenant, kind, base and recipe, in the order claimed.
    package static func deliveries(_ chunks: [ClaimedChunk]) -> [[ClaimedChunk]] {
        var groups: [[ClaimedChunk]] = []
        for chunk in chunks {
            let index = groups.firstIndex { group in
                (group[0].tenantID, group[0].kind, group[0].baseID, group[0].recipeID) == (
                    chunk.tenantID, chunk.kind, chunk.baseID, chunk.recipeID
                )
                    && group[0].crashes < 2 && chunk.crashes < 2
            }
            if let index { groups[index].append(chunk) } else { groups.append([chunk]) }
        }
        return groups
    }

    /// Claims from a lane of another worker that has not kept up, when it is time to look for one; nil when it is not.
    private func helpOthers(_ help: inout HelpForOthers, at seconds: Double) async throws -> [ClaimedChunk]? {
        let id = workerID.withLock { $0 }
        if help.wantsLanes(at: seconds) {
            do {
                help.note(try await queue.lanesToHelp(workerID: id, limit: 4))
            } catch let error as any ProblemConvertible {
                logger.warning("no lanes to help", metadata: ["error": "\(error.problem.errorClass)"])
                help.note([:])
            }
        }
        guard let request = help.nextClaim(workerID: id) else { return nil }
        let result: ClaimResult
        // Logged where it failed; the lane's owner goes on with it.
        do { result = try await claim(request) } catch { return nil }
        help.note(result, of: request)
        if !result.chunks.isEmpty { await faults(.afterClaim) }
        return result.chunks
    }

    /// Takes no more than this worker gets done in a few seconds, as far as its speed is known.
    private func claim(_ request: ClaimRequest) async throws -> ClaimResult {
        var request = request
        request.jobBudget = Int32(configuration.jobsPerClaim)
        // A worker that knows nothing of itself yet starts with a chunk or two; one that picks up speed, with its cache
        // warm, knows it before its next heartbeat.
        let speed = max(orders.withLock { $0?.speed } ?? 0.25, inHand.speed ?? 0)
        request.costBudgetMilliseconds = min(
            Float(configuration.jobsPerClaim) * 20, max(1, speed * Float(configuration.claimSeconds) * 1000))
        do {
            let (result, _) = try await stages.time(.claim, users: { $0.chunks.reduce(0) { $0 + $1.jobs.count } }) {
                try await queue.claim(request)
            }
            inHand.take(result.chunks)
            statistics.add(result.statistics)
            return result
        } catch {
            logger.warning("claim failed", metadata: ["error": "\(error)"])
            if (error as? any ProblemConvertible)?.problem.errorClass == "database_connection_lost" {
                claimIsInDoubt.withLock { $0 = true }
            }
            throw error
        }
    }

    func fetch(_ chunks: [ClaimedChunk]) async -> FetchedDelivery? {
        do {
            var (delivery, milliseconds) = try await stages.time(.fetch, users: { $0.users.count }) {
                try await fetching.fetch(chunks)
            }
            delivery.fetchMilliseconds = milliseconds
            return delivery
        } catch {
            await giveUp(chunks, because: error)
            return nil
        }
    }

    /// Ends the lease of chunks that could not be worked on, with the reason in the attempt log.
    ///
    /// What a person or an outage has to end first (store, database, another base) costs the jobs no try.
    func giveUp(_ chunks: [ClaimedChunk], because error: any Error) async {
        // A drain that is over cancels: what is in hand then is handed back on the way out.
        if error is CancellationError { return }
        let fences = chunks.map(\.fence)
        let problem = (error as? any ProblemConvertible)?.problem
        if let problem, problem.errorClass == "base_not_held" { return await passOn(fences, problem) }
        logger.error("delivery failed", metadata: ["error": "\(error)", "chunks": "\(fences.map(\.chunkID))"])
        let result: JobResult =
            if let problem, problem.isRetryable || Self.isTheMachines(problem) {
                .snoozed(seconds: .random(in: 5...15), reason: "\(problem.errorClass): \(problem.reason)")
            } else {
                .failed(
                    errorClass: problem?.errorClass ?? "defect", message: problem?.reason ?? "\(error)", retryable: true
                )
            }
        let reports = chunks.flatMap(\.jobs).map { JobReport($0, result) }
        do {
            let delivery = Delivery(chunks: fences, reports: reports)
            let report = try await queue.publish(delivery)
            note(report)
            statistics.add(WorkStatistics(of: delivery, chunks: chunks, outcome: report))
            inHand.release(fences)
        } catch {
            // The lease does not run out by itself: the heartbeats of this worker extend it.
            logger.error("giving up failed; handed back later", metadata: ["error": "\(error)"])
            inHand.abandon(fences)
        }
    }

    /// Whether a problem is this machine's with its store (clock, key, bucket, region): another worker may do better, and
    /// no job is to blame.
    static func isTheMachines(_ problem: Problem) -> Bool {
        problem.errorClass.hasPrefix("store_") || problem.errorClass == "bucket_missing"
    }

    /// Gives chunks of a base that this worker lacks to one that holds it.
    private func passOn(_ fences: [Fence], _ problem: Problem) async {
        logger.warning("passed on", metadata: ["error": "\(problem)", "chunks": "\(fences.map(\.chunkID))"])
        do {
            try await queue.passOn(fences, reason: "\(problem.reason) do: \(problem.remedy)")
            inHand.release(fences)
        } catch {
            logger.error("passing on failed; handed back later", metadata: ["error": "\(error)"])
            inHand.abandon(fences)
        }
    }
}
