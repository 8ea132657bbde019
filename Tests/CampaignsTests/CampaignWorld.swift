import Campaigns
import Foundation
import Logging
import Postgres
import PostgresTestSupport
import Problem
import Queue
import Testing

/// A tenant `acme` under base `first`, with users, a second base with two recipes, and workers that are this test.
struct CampaignWorld {
    let database: TestDatabase
    let pool: ConnectionPool
    let desk: CampaignDesk
    let queue: PostgresQueueStore
    let driver: CampaignDriver

    static func with(users: Int, _ body: (CampaignWorld) async throws -> Void) async throws {
        try await TestDatabase.with { database in
            try await database.withPool(limit: 6) { pool in
                let world = CampaignWorld(
                    database: database, pool: pool, desk: CampaignDesk(pool), queue: PostgresQueueStore(pool),
                    driver: CampaignDriver(
                        pool, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
                )
                try await world.prepare(users)
                try await body(world)
            }
        }
    }

    private func prepare(_ users: Int) async throws {
        try await run("SELECT attune.create_tenant('acme')")
        try await run(
            "INSERT INTO attune.base (digest, name, width) VALUES (repeat('a', 64), 'first', 384), (repeat('b', 64), 'second', 384), (repeat('c', 64), 'narrow', 32)"
        )
        try await run(
            """
            INSERT INTO attune.recipe (base_id, kind_id, digest, name, byte_count)
            SELECT b.base_id, 1, encode(sha256(convert_to(b.name || n, 'UTF8')), 'hex'), b.name || n, 1
            FROM generate_series(1, 2) AS n, attune.base b
            """)
        for recipe in ["first1", "second1", "narrow1"] { try await activate(recipe) }
        try await run("SELECT attune.promote('acme', 'first')")
        try await record("u", 1...users)
        try await run("UPDATE attune.leader SET epoch = 1, seen_at = clock_timestamp()")
        // Workers of these tests send no heartbeats, and a loaded machine takes its time.
        try await run("UPDATE attune.setting SET lease_seconds = 3600")
    }

    func activate(_ recipe: String) async throws {
        try await run("SELECT attune.activate_recipe('acme', digest) FROM attune.recipe WHERE name = '\(recipe)'")
    }

    /// Four examples each.
    func record(_ prefix: String, _ numbers: ClosedRange<Int>) async throws {
        try await run(
            """
            SELECT attune.record('acme', '\(prefix)' || n, '[{"text":"a","label":1},{"text":"b","label":0},{"text":"c","label":1},{"text":"d","label":0}]')
            FROM generate_series(\(numbers.lowerBound), \(numbers.upperBound)) AS n
            """)
    }

    @discardableResult
    func run(_ sql: String) async throws -> Rows { try await pool.execute(Statement(name: sql, text: sql)) }

    func value<Decoded: PostgresDecodable>(_ sql: String) async throws -> Decoded { try await run(sql).one().decode(0) }

    func campaign(_ number: Int32 = 1) async throws -> CampaignStatus { try #require(try await desk.campaign(number)) }

    /// Expects that `body` is refused with an error class.
    func expectRefusal(
        _ errorClass: String?, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
    ) async {
        let found = await refusal(body)
        #expect(found == errorClass, sourceLocation: sourceLocation)
    }

    /// The error class that `body` is refused with.
    func refusal(_ body: () async throws -> Void) async -> String? {
        do {
            try await body()
            return nil
        } catch let error as any ProblemConvertible {
            return error.problem.errorClass
        } catch {
            return "\(error)"
        }
    }

    /// Claims whatever waits, judges who is to be judged, and publishes a revision of everyone.
    ///
    /// - Parameter difference: held-out loss of a wave's users under the new base less that under the old.
    /// - Returns: jobs that were worked on.
    @discardableResult
    func work(fail failing: Set<String> = [], difference: (Int) -> Double = { _ in 0 }) async throws -> Int {
        let worker = try await queue.registerWorker(name: "w", version: "test").workerID
        var count = 0
        for lane in 0..<16 {
            var request = ClaimRequest(workerID: worker, lane: 65536 + Int32(lane))
            (request.costBudgetMilliseconds, request.jobBudget) = (1_000_000, 100_000)
            for chunk in try await queue.claim(request).chunks {
                try await judge(chunk, difference)
                let digest = String(repeating: "ab", count: 32)
                let reports = chunk.jobs.map { job in
                    JobReport(
                        job,
                        failing.contains(job.user)
                            ? .failed(errorClass: "one_class_examples", message: "all alike", retryable: false)
                            : .completed(
                                RevisionDraft(
                                    dataThrough: job.dataSeq, offset: 0, length: 64,
                                    sha256: Array(repeating: 7, count: 32)), Measurements(lossAfter: 0.6)))
                }
                _ = try await queue.publish(
                    Delivery(
                        chunks: [chunk.fence], reports: reports,
                        object: DeliveredObject(
                            key: "\(chunk.keyPrefix)/\(chunk.fence.keyPart)-\(digest)",
                            sha256: Array(repeating: 0xAB, count: 32), byteCount: 4096)))
                count += chunk.jobs.count
            }
        }
        try await queue.setState(.stopped, ofWorker: worker)
        return count
    }

    private func judge(_ chunk: ClaimedChunk, _ difference: (Int) -> Double) async throws {
        for job in chunk.jobs {
            guard let payload = job.payload, let campaign = chunk.campaignID else { continue }
            let words = String(decoding: payload, as: UTF8.self).split(separator: " ")
            try #require(words.count == 3 && words[0] == "attune.judge/1")
            let (round, wave) = (try #require(Int(words[1])), try #require(Int(words[2])))
            // Users differ a little, so that there is a deviation.
            let after = 0.6 + difference(wave) + Double(job.uid % 7 - 3) * 0.001
            try await run(
                "SELECT attune.add_judgements(\(campaign), '{\(job.uid)}', '{\(job.epoch)}', '{\(round)}', '{\(wave)}', '{tail}', '{2}', '{0.6}', '{\(after)}')"
            )
        }
    }

    /// Ticks the leader and works in turn until the campaign reaches a phase or state.
    func drive(
        until wanted: Set<String>, from second: Int = 0, fail failing: Set<String> = [],
        difference: (Int) -> Double = { _ in 0 }
    ) async throws {
        for second in second..<(second + 60) {
            try await driver.tick(epoch: 1, at: Double(second))
            try await work(fail: failing, difference: difference)
            let status = try await campaign()
            if wanted.contains(status.phase) || wanted.contains(status.state) { return }
        }
        Issue.record("never \(wanted): \(try await campaign())")
    }
}
