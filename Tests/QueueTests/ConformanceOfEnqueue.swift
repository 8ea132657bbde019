import Foundation
import Queue
import Testing

extension QueueWorld {
    func checkCompletes() async throws {
        try await record(4, of: "u", tenant: "acme")
        let job = try await store.enqueue(NewJob(tenant: "acme", user: "u"))
        #expect(try await state(of: job) == .available)
        let chunk = try await claimOne(try await worker())
        #expect(chunk.jobs.map(\.jobID) == [job])
        #expect(chunk.jobs.map(\.parentRevision) == [nil])
        #expect(chunk.jobs.map(\.dataSeq) == [4])
        #expect((chunk.tenant, chunk.kind, chunk.fence.attempt) == ("acme", "adapt", 1))
        #expect(try await state(of: job) == .running)
        var expected = PublishReport()
        expected.completed = 1
        #expect(try await store.publish(chunk.completed) == expected)
        let status = try #require(try await store.job(job))
        #expect((status.state, status.revision, status.attempt) == (.completed, 1, 1))
        #expect(try await revision(of: "u", tenant: "acme") == 1)
        #expect(try await store.job(job + 1) == nil)
    }

    func checkBulk() async throws {
        let ids = try await enqueueBulk(230)
        let chunks = try await claimAll(try await worker())
        #expect(chunks.map(\.jobs.count).sorted() == [30, 100, 100])
        #expect(Set(chunks.flatMap(\.jobs).map(\.jobID)) == Set(ids))
        let report = try await store.publish(Delivery(of: chunks) { .completed(.test(through: $0.dataSeq), .test) })
        #expect(report.completed == 230)
        for id in ids { #expect(try await state(of: id) == .completed) }
        #expect(try await claimAll(try await worker("other")).isEmpty)
    }

    func checkEstimates() async throws {
        let worker = try await worker()
        try await record(4, of: "few", tenant: "acme")
        try await record(64, of: "many", tenant: "acme")
        try await record(1000, of: "most", tenant: "acme")
        for (user, cost) in [("few", Float(5)), ("many", 10), ("most", 20)] {
            _ = try await store.enqueue(NewJob(tenant: "acme", user: user))
            let chunk = try await claimOne(worker)
            #expect(chunk.costMilliseconds == cost, "\(user)")
            _ = try await store.publish(chunk.completed)
        }
        try await record(1, of: "most", tenant: "acme")
        var job = NewJob(tenant: "acme", user: "most")
        job.costMilliseconds = 7
        _ = try await store.enqueue(job)
        let told = try await claimOne(worker)
        #expect(told.costMilliseconds == 7, "the producer knows better")
        _ = try await store.publish(told.completed)
        for user in ["few", "many", "most"] { try await record(1, of: user, tenant: "acme") }
        _ = try await store.enqueue(Bulk(tenant: "acme", entries: ["few", "many", "most"].map { .init(user: $0) }))
        let bulk = try await claimOne(worker)
        #expect(abs(bulk.costMilliseconds - 35.15625) < 1e-3)
    }

    func checkNewData() async throws {
        let worker = try await worker()
        for number in Int32(1)...3 {
            try await record(2, of: "u", tenant: "acme")
            let job = try await store.enqueue(NewJob(tenant: "acme", user: "u"))
            let chunk = try await claimOne(worker)
            #expect((chunk.jobs[0].parentRevision == nil) == (number == 1))
            #expect(try await store.publish(chunk.completed).completed == 1)
            #expect(try await store.job(job)?.revision == number)
        }
        #expect(try await revision(of: "u", tenant: "acme") == 3)
    }

    func checkCovered() async throws {
        let worker = try await worker()
        try await record(4, of: "u", tenant: "acme")
        _ = try await store.enqueue(NewJob(tenant: "acme", user: "u"))
        _ = try await store.publish(try await claimOne(worker).completed)
        let job = try await store.enqueue(NewJob(tenant: "acme", user: "u"))
        #expect(try await claimAll(worker).isEmpty)
        #expect(try await state(of: job) == .covered)
        #expect(try await store.job(job)?.revision == 1)
    }

    func checkNewRecipe() async throws {
        let worker = try await worker()
        try await record(4, of: "u", tenant: "acme")
        _ = try await store.enqueue(NewJob(tenant: "acme", user: "u"))
        let first = try await claimOne(worker)
        _ = try await store.publish(first.completed)
        try await activate(recipe: 2, for: "acme")
        _ = try await store.enqueue(NewJob(tenant: "acme", user: "u"))
        let second = try await claimOne(worker)
        #expect(second.recipeDigest != first.recipeDigest)
        #expect(second.baseDigest == first.baseDigest)
    }

    func checkMerged() async throws {
        try await record(4, of: "u", tenant: "acme")
        var jobs: [Int64] = []
        for _ in 0..<3 { jobs.append(try await store.enqueue(NewJob(tenant: "acme", user: "u"))) }
        let chunk = try await claimOne(try await worker())
        #expect(chunk.jobs.map(\.jobID) == [jobs[2]])
        for job in jobs.prefix(2) {
            let status = try #require(try await store.job(job))
            #expect((status.state, status.mergedInto) == (.merged, jobs[2]))
        }
        #expect(try await store.publish(chunk.completed).completed == 1)
        #expect(try await state(of: jobs[2]) == .completed)
    }

    func checkKept() async throws {
        let worker = try await worker()
        try await record(4, of: "u", tenant: "acme")
        let job = try await store.enqueue(NewJob(tenant: "acme", user: "u"))
        let chunk = try await claimOne(worker)
        #expect(try await store.publish(chunk.delivery { .kept(dataThrough: $0.dataSeq, .test) }).kept == 1)
        #expect(try await state(of: job) == .kept)
        #expect(try await revision(of: "u", tenant: "acme") == nil)
        let again = try await store.enqueue(NewJob(tenant: "acme", user: "u"))
        #expect(try await claimAll(worker).isEmpty)
        #expect(try await state(of: again) == .covered)
        try await record(1, of: "u", tenant: "acme")
        _ = try await store.enqueue(NewJob(tenant: "acme", user: "u"))
        let next = try await claimOne(worker)
        #expect(next.jobs[0].parentRevision == nil)
        #expect(try await store.publish(next.completed).completed == 1)
        #expect(try await revision(of: "u", tenant: "acme") == 1)
    }

    func checkDedup() async throws {
        try await record(4, of: "u", tenant: "acme")
        var job = NewJob(tenant: "acme", user: "u")
        job.dedupKey = "profile:u:4"
        let first = try await store.enqueue(job)
        #expect(try await store.enqueue(job) == first)
        job.payload = [1]
        #expect(await errorClass { _ = try await store.enqueue(job) } == "dedup_conflict")
        #expect(try await claimOne(try await worker()).jobs.count == 1)
    }

    func checkDedupBulk() async throws {
        for user in ["a", "b", "c"] { try await record(4, of: user, tenant: "acme") }
        var single = NewJob(tenant: "acme", user: "a")
        single.dedupKey = "ka"
        _ = try await store.enqueue(single)
        var bulk = Bulk(
            tenant: "acme",
            entries: [
                .init(user: "a", dedupKey: "ka"), .init(user: "nobody"), .init(user: "b", dedupKey: "kb"),
                .init(user: "b", dedupKey: "kb"), .init(user: "c", payload: [1], dedupKey: "kb"), .init(user: "c"),
            ])
        #expect(await errorClass { _ = try await store.enqueue(bulk) } == "unknown_user")
        bulk.keepsGoing = true
        let report = try await store.enqueue(bulk)
        #expect((report.accepted, report.duplicates, report.chunks) == (2, 2, 1))
        #expect(
            report.rejected == [
                .init(line: 2, errorClass: "unknown_user"), .init(line: 5, errorClass: "dedup_conflict"),
            ])
        let again = try await store.enqueue(bulk)
        #expect((again.accepted, again.duplicates) == (1, 3))
        #expect(Set(try await claimAll(try await worker()).flatMap(\.jobs).map(\.user)) == ["a", "b", "c"])
    }

    func checkUnknown() async throws {
        try await record(4, of: "u", tenant: "acme")
        #expect(
            await errorClass { _ = try await store.enqueue(NewJob(tenant: "nobody", user: "u")) } == "unknown_tenant")
        #expect(await errorClass { _ = try await store.enqueue(NewJob(tenant: "acme", user: "x")) } == "unknown_user")
        var job = NewJob(tenant: "acme", user: "u")
        job.kind = "dance"
        #expect(await errorClass { _ = try await store.enqueue(job) } == "unknown_kind")
        #expect(await errorClass { _ = try await store.cancel(jobID: 5 * 1024) } == "unknown_job")
        #expect(await errorClass { _ = try await store.retry(jobID: 5 * 1024) } == "unknown_job")
    }

    func checkPayload() async throws {
        try await record(4, of: "u", tenant: "acme")
        var job = NewJob(tenant: "acme", user: "u")
        job.payload = Array(0...255)
        _ = try await store.enqueue(job)
        #expect(try await claimOne(try await worker()).jobs[0].payload == Array(0...255))
        job.payload = Array(repeating: 1, count: 65537)
        #expect(await errorClass { _ = try await store.enqueue(job) } == "payload_too_long")
    }

    func checkRunAt() async throws {
        let worker = try await worker()
        try await record(4, of: "u", tenant: "acme")
        var job = NewJob(tenant: "acme", user: "u")
        job.runAt = Date(timeIntervalSinceNow: 3600)
        let id = try await store.enqueue(job)
        #expect(try await state(of: id) == .scheduled)
        #expect(try await claimAll(worker).isEmpty)
        #expect(try await store.wake(limit: 10) == 0)
        try await makeDeferredDue()
        #expect(try await store.wake(limit: 10) == 1)
        let chunk = try await claimOne(worker)
        #expect(chunk.jobs.map(\.jobID) == [id])
        #expect(try await store.publish(chunk.completed).completed == 1)
        #expect(try await state(of: id) == .completed)
    }
}
