import Foundation
import Queue
import Testing

extension QueueWorld {
    /// One user, one job, claimed.
    private func claimedJob(_ workerID: Int64) async throws -> (job: Int64, chunk: ClaimedChunk) {
        try await record(4, of: "u", tenant: "acme")
        let job = try await store.enqueue(NewJob(tenant: "acme", user: "u"))
        return (job, try await claimOne(workerID))
    }

    private func claimedAgain(_ workerID: Int64) async throws -> ClaimedChunk {
        try await makeDeferredDue()
        #expect(try await store.wake(limit: 10) == 1)
        return try await claimOne(workerID)
    }

    private func failure(retryable: Bool = true) -> (ClaimedJob) -> JobResult {
        { _ in .failed(errorClass: "store_unavailable", message: "PUT 503", retryable: retryable) }
    }

    func checkFailed() async throws {
        let worker = try await worker()
        let (job, chunk) = try await claimedJob(worker)
        #expect(try await store.publish(chunk.delivery(failure())).retried == 1)
        let status = try #require(try await store.job(job))
        #expect((status.state, status.tries) == (.retryable, 1))
        #expect((status.errorClass, status.message) == ("store_unavailable", "PUT 503"))
        #expect(try await claimAll(worker).isEmpty)
        let second = try await claimedAgain(worker)
        #expect(second.jobs.map(\.tries) == [1])
        #expect(try await store.publish(second.completed).completed == 1)
        #expect(try await state(of: job) == .completed)
    }

    func checkExhausted() async throws {
        let worker = try await worker()
        var (job, chunk) = try await claimedJob(worker)
        for tries in 1..<RetryPolicy().maximumTries {
            #expect(try await store.publish(chunk.delivery(failure())).retried == 1)
            chunk = try await claimedAgain(worker)
            #expect(chunk.jobs.map(\.tries) == [Int16(tries)])
        }
        let report = try await store.publish(chunk.delivery(failure()))
        #expect((report.discarded, report.retried) == (1, 0))
        let status = try #require(try await store.job(job))
        #expect((status.state, status.errorClass, status.message) == (.discarded, "store_unavailable", "PUT 503"))
        #expect(try await store.wake(limit: 10) == 0)
    }

    func checkHopeless() async throws {
        let worker = try await worker()
        let (job, chunk) = try await claimedJob(worker)
        #expect(try await store.publish(chunk.delivery(failure(retryable: false))).discarded == 1)
        #expect(try await state(of: job) == .discarded)
    }

    func checkSnoozed() async throws {
        let worker = try await worker()
        let (job, chunk) = try await claimedJob(worker)
        let report = try await store.publish(chunk.delivery { _ in .snoozed(seconds: 60, reason: "base is loading") })
        #expect(report.retried == 1)
        #expect(try await store.job(job)?.errorClass == "snoozed")
        #expect(try await claimAll(worker).isEmpty)
        #expect(try await claimedAgain(worker).jobs.map(\.tries) == [0])
    }

    func checkUnreported() async throws {
        let worker = try await worker()
        let ids = try await enqueueBulk(5)
        let chunk = try await claimOne(worker)
        var delivery = chunk.completed
        delivery.reports.removeLast(2)
        let report = try await store.publish(delivery)
        #expect((report.completed, report.retried) == (3, 2))
        let rest = try await claimOne(worker)
        #expect(rest.jobs.map(\.jobID) == Array(ids.suffix(2)))
        #expect(rest.jobs.map(\.tries) == [0, 0])
        #expect(try await store.handBack([rest.fence]).retried == 2)
        #expect(try await claimOne(worker).jobs.count == 2)
    }

    func checkCancelledWaiting() async throws {
        let worker = try await worker()
        let ids = try await enqueueBulk(3)
        #expect(try await store.cancel(jobID: ids[1]) == .cancelled)
        #expect(try await store.cancel(jobID: ids[1]) == .cancelled)
        let chunk = try await claimOne(worker)
        #expect(chunk.jobs.map(\.jobID) == [ids[0], ids[2]])
        #expect(try await store.publish(chunk.completed).completed == 2)
        let single = try await store.enqueue(NewJob(tenant: "acme", user: "u1"))
        #expect(try await store.cancel(jobID: single) == .cancelled)
        #expect(try await claimAll(worker).isEmpty)
    }

    func checkCancelledRunning() async throws {
        let ids = try await enqueueBulk(3)
        let chunk = try await claimOne(try await worker())
        #expect(try await store.cancel(jobID: ids[1]) == .cancelled)
        let report = try await store.publish(chunk.completed)
        #expect((report.completed, report.retried) == (2, 0))
        #expect(try await state(of: ids[1]) == .cancelled)
        #expect(try await revision(of: "u1", tenant: "acme") == nil)
        #expect(try await revision(of: "u2", tenant: "acme") == 1)
    }

    func checkCancelledLate() async throws {
        let (job, chunk) = try await claimedJob(try await worker())
        _ = try await store.publish(chunk.completed)
        #expect(try await store.cancel(jobID: job) == .completed)
        #expect(try await revision(of: "u", tenant: "acme") == 1)
    }

    func checkRetried() async throws {
        let worker = try await worker()
        let (job, chunk) = try await claimedJob(worker)
        _ = try await store.publish(chunk.delivery(failure(retryable: false)))
        let again = try await store.retry(jobID: job)
        #expect(again != job)
        #expect(try await store.retry(jobID: job) == again, "asking twice makes one")
        let second = try await claimOne(worker)
        #expect(second.jobs.map(\.jobID) == [again])
        #expect(second.jobs.map(\.tries) == [0])
        _ = try await store.publish(second.delivery(failure(retryable: false)))
        // What repeats it was discarded too: that is repeated in its turn, and then nothing more.
        let last = try await store.retry(jobID: job)
        #expect(last != again)
        _ = try await store.publish(try await claimOne(worker).completed)
        #expect(try await store.retry(jobID: job) == last)
        #expect(try await state(of: job) == .discarded)
        #expect(try await state(of: last) == .completed)
        #expect(await errorClass { _ = try await store.retry(jobID: last) } == "already_ended")
    }

    func checkMergedIntoCancelled() async throws {
        let worker = try await worker()
        try await record(3, of: "u", tenant: "acme")
        let report = try await store.enqueue(
            Bulk(tenant: "acme", entries: [.init(user: "u"), .init(user: "u"), .init(user: "u")]))
        let ids = try #require(report.jobIDs)
        _ = try await claimOne(worker)
        let winner = ids.upperBound
        #expect(try await state(of: ids.lowerBound) == .merged)
        #expect(try await store.cancel(jobID: winner) == .cancelled)
        #expect(try await state(of: ids.lowerBound) == .merged, "one ending, for ever")
        #expect(await errorClass { _ = try await store.retry(jobID: ids.lowerBound) } == "already_ended")
        let again = try await store.retry(jobID: winner)
        #expect(again > winner, "the work of all three, once")
        let chunk = try await claimOne(worker)
        #expect(chunk.jobs.map(\.jobID) == [again])
        #expect(try await store.publish(chunk.completed).completed == 1)
    }

    func checkRetriedNow() async throws {
        let worker = try await worker()
        let (job, chunk) = try await claimedJob(worker)
        _ = try await store.publish(chunk.delivery(failure()))
        #expect(try await store.retry(jobID: job) == job)
        #expect(try await claimOne(worker).jobs.map(\.jobID) == [job])
    }

    func checkTwice() async throws {
        let (job, chunk) = try await claimedJob(try await worker())
        #expect(try await store.publish(chunk.completed).completed == 1)
        var expected = PublishReport()
        expected.publishedBefore = [chunk.fence.chunkID]
        #expect(try await store.publish(chunk.completed) == expected)
        #expect(try await state(of: job) == .completed)
        #expect(try await revision(of: "u", tenant: "acme") == 1)
    }

    func checkNoRecipe() async throws {
        let worker = try await worker()
        try await record(4, of: "u", tenant: "acme")
        let job = try await store.enqueue(NewJob(tenant: "acme", user: "u"))
        #expect(try await claimAll(worker).isEmpty)
        #expect(try await state(of: job) == .scheduled)
        try await activate(recipe: 1, for: "acme")
        #expect(try await claimedAgain(worker).jobs.map(\.jobID) == [job])
    }
}
