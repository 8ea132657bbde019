import Foundation
import Logging
import Synchronization
import Problem
import Queue

extension Worker {
    /// Says every few seconds that this worker lives and how far it got, and takes its orders.
    ///
    /// A heartbeat that fails is tried again at once and then every second: the lease outlasts several of them. A worker
    /// that the queue no longer knows registers anew; what it still holds is fenced by tokens, not by its id.
    ///
    /// Lanes are given out after a worker has registered: until it has some it asks again soon, each time later, so that
    /// its first job starts in a second and not with its second heartbeat.
    func beat() async throws -> Bool {
        var pause = 0.125
        while true {
            do {
                let answer = try await queue.heartbeat(word(inHand.workDone()))
                try await obey(answer)
                try await handBackAbandoned()
                await reportStatistics()
                if claimIsInDoubt.withLock({ $0 }), inHand.isEmpty { try await startOver() }
                pause =
                    answer.lanes.isEmpty
                    ? min(configuration.heartbeatSeconds, pause * 2) : configuration.heartbeatSeconds
                try await Task.sleep(for: .seconds(pause))
            } catch let error as any ProblemConvertible {
                logger.warning("heartbeat failed", metadata: ["error": "\(error.problem.errorClass)"])
                if error.problem.errorClass == "worker_gone", !drain.isDraining {
                    try await register()
                    pause = 0.125
                }
                try await Task.sleep(for: .seconds(min(1, configuration.heartbeatSeconds)))
            }
        }
    }

    /// What this worker says of itself. Work that was told once is not told again, even if the reply gets lost: it is
    /// what estimates are learnt from, no account of jobs.
    private func word(_ work: WorkDone?) -> Heartbeat {
        let hand = inHand.heartbeat
        return Heartbeat(
            workerID: workerID.withLock { $0 }, progress: hand.progress, jobsInHand: hand.jobs,
            costInHandMilliseconds: hand.costMilliseconds, work: work)
    }

    /// Goes on under a new id, so that the lease of the old one ends, and with it that of chunks this worker may have been
    /// given without hearing of it. Its hands are empty, so nothing else is lost.
    private func startOver() async throws {
        let old = workerID.withLock { $0 }
        try await queue.setState(.stopped, ofWorker: old)
        try await register()
        orders.withLock { $0 = nil }
        claimIsInDoubt.withLock { $0 = false }
        logger.info("starts over: the reply to a claim was lost", metadata: ["worker_id_before": "\(old)"])
    }

    /// Gives others what an outage kept this worker from giving up at once; it costs the jobs no try.
    private func handBackAbandoned() async throws {
        let fences = inHand.abandoned
        guard !fences.isEmpty else { return }
        note(try await queue.handBack(fences))
        inHand.release(fences)
        logger.info("handed back", metadata: ["chunks": "\(fences.map(\.chunkID))"])
    }

    /// Sends what was done since the last report. Figures that do not arrive go with the next heartbeat.
    func reportStatistics() async {
        do {
            while let report = statistics.report(workerID: workerID.withLock({ $0 })) {
                try await queue.record(report)
                statistics.confirm(report)
            }
        } catch {
            logger.warning("figures are late", metadata: ["error": "\(error)"])
        }
    }

    private func obey(_ answer: WorkerOrders) async throws {
        var answer = answer
        if answer.state == .draining || answer.state == .stopped { drain.begin() }
        if !answer.hasLeader, answer.state == .active, !drain.isDraining {
            // What a scheduler would do, in small steps: any number of workers may do it at once.
            _ = try await queue.rescue(limit: 20)
            _ = try await queue.wake(limit: 200)
            // Nobody gives out lanes: take a fair share of those without a living owner (QUEUE rule 25).
            let id = workerID.withLock { $0 }
            if try await queue.adoptLanes(workerID: id) != 0 {
                answer = try await queue.heartbeat(word(nil))
            }
        }
        orders.withLock { $0 = answer }
    }

    /// Looks every few seconds at what waits in the lanes, for the plan and for figures; a look that fails is left out.
    func sampleLanes() async throws -> Bool {
        while true {
            try await Task.sleep(for: .seconds(configuration.sampleSeconds * .random(in: 0.9...1.1)))
            let marks = laneMarks.withLock { $0 }
            guard !marks.isEmpty else { continue }
            do {
                try await queue.sampleLanes(workerID: workerID.withLock { $0 }, marks: marks)
            } catch let error as any ProblemConvertible {
                logger.warning("lanes not sampled", metadata: ["error": "\(error.problem.errorClass)"])
            }
        }
    }

    /// Once draining, gives the pipeline its time and then ends it.
    func limitDrain() async throws -> Bool {
        try await drain.wait()
        let id = workerID.withLock { $0 }
        logger.info("draining", metadata: ["in_hand": "\(inHand.heartbeat.jobs)"])
        try await queue.setState(.draining, ofWorker: id)
        try await Task.sleep(for: .seconds(configuration.drainSeconds))
        logger.warning("drain time is over; handing back", metadata: ["in_hand": "\(inHand.heartbeat.jobs)"])
        return true
    }
}
