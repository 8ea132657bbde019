import Campaigns
import Postgres
import PostgresTestSupport
import Queue
import Testing

/// What two sessions at once may do to a campaign.
@Suite(.needsPostgres, .timeLimit(.minutes(3))) struct CampaignRaceTests {
    /// A campaign whose canary was begun.
    private func inCanary(_ body: (CampaignWorld) async throws -> Void) async throws {
        try await CampaignWorld.with(users: 300) { world in
            _ = try await world.desk.start(tenant: "acme", base: "second")
            try await world.run("SELECT attune.begin_wave(1, 1, 1, 0, 500, 1)")
            try await body(world)
        }
    }

    @Test("two leaders that feed from the same cursor at once make each user's job once")
    func twoFeeders() async throws {
        try await inCanary { world in
            try await world.run("UPDATE attune.campaign SET phase = 'waves', cursor_uid = 0")
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<4 {
                    group.addTask { try await world.run("SELECT * FROM attune.feed_campaign(1, 1, 0, 200)").count }
                }
                var fed = 0
                for try await rows in group { fed += rows }
                #expect(fed == 1)
            }
            #expect(try await world.value("SELECT count(*) FROM attune.job") == Int64(200))
            #expect(try await world.value("SELECT count(DISTINCT uid) FROM attune.job") == Int64(200))
        }
    }

    @Test("a feed that waits for a pause to commit feeds nobody")
    func pausedMeanwhile() async throws {
        try await inCanary { world in
            try await world.database.withConnection { operatorSession in
                func say(_ sql: String) async throws {
                    try await operatorSession.executeScript(Statement(name: sql, text: sql))
                }
                try await say("BEGIN; SELECT attune.pause_campaign(1)")
                let feeding = Task { try await world.run("SELECT * FROM attune.feed_campaign(1, 1, -1, 100)").count }
                while try await world.value(
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
                ) == Int64(0) {
                    try await Task.sleep(for: .milliseconds(10))
                }
                try await say("COMMIT")
                #expect(try await feeding.value == 0)
            }
            #expect(try await world.value("SELECT count(*) FROM attune.job") == Int64(0))
        }
    }

    @Test("a deposed leader's step changes nothing")
    func deposed() async throws {
        try await inCanary { world in
            for sql in [
                "SELECT attune.feed_campaign(2, 1, -1, 100)", "SELECT attune.begin_wave(2, 1, 1, 1, 10, 1)",
                "SELECT attune.turn_campaign(2, 1, 1, 'canary', 'sweep', NULL)", "SELECT attune.promote_ready(2, 1)",
                "SELECT attune.judge_wave(2, 1, 1, 0, 'passed', 1, 0, 0, 0, '')",
                "SELECT attune.note_campaign(2, 1, 0, 0)",
            ] { await world.expectRefusal("deposed") { try await world.run(sql) } }
            let stands9 = try await world.campaign()
            #expect(stands9.fed == 0)
        }
    }

    @Test("of promotions that expect the same epoch at once, one switches and the others are told")
    func promotions() async throws {
        try await CampaignWorld.with(users: 3) { world in
            try await withThrowingTaskGroup(of: String?.self) { group in
                for base in ["second", "narrow", "second", "narrow"] {
                    group.addTask {
                        await world.refusal {
                            _ = try await world.desk.promote(base: base, for: "acme", expectedEpoch: 1)
                        }
                    }
                }
                var outcomes: [String?] = []
                for try await outcome in group { outcomes.append(outcome) }
                #expect(outcomes.count { $0 == nil } == 1)
                #expect(outcomes.count { $0 == "stale_epoch" } == 3)
            }
            #expect(try await world.value("SELECT epoch FROM attune.active_base") == Int64(2))
        }
    }

    @Test("after the window the way back is refused unless forced, and keeping up the old base has ended")
    func window() async throws {
        try await CampaignWorld.with(users: 60) { world in
            var options = CampaignOptions()
            (options.canaryUsers, options.judgedUsers, options.promotesItself) = (50, 0, true)
            options.rollbackHours = 1
            _ = try await world.desk.start(tenant: "acme", base: "second", options)
            try await world.drive(until: ["promoted"])
            let seen10 = try await world.desk.campaigns()
            #expect(seen10.map(\.purpose) == ["keep", "adopt"])
            try await world.run("UPDATE attune.campaign SET window_ends_at = clock_timestamp()")
            await world.expectRefusal("window_closed") { _ = try await world.desk.rollback("acme") }
            try await world.driver.tick(epoch: 1, at: 500)
            let seen11 = try await world.desk.campaigns()
            #expect(seen11.map(\.state) == ["completed", "completed"])
            #expect(try await world.desk.rollback("acme", force: true) == 3)
        }
    }

    @Test("a chunk of a base that nobody holds waits ever longer; one that somebody holds goes to a lane of theirs")
    func passOn() async throws {
        try await CampaignWorld.with(users: 1) { world in
            _ = try await world.queue.enqueue(NewJob(tenant: "acme", user: "u1"))
            var waits: [Double] = []
            let worker = try await world.queue.registerWorker(name: "w", version: "test").workerID
            func claim() async throws -> ClaimedChunk {
                for lane in 0..<16 {
                    let claimed = try await world.queue.claim(ClaimRequest(workerID: worker, lane: 65536 + Int32(lane)))
                    if let chunk = claimed.chunks.first { return chunk }
                }
                throw PostgresError(.decoding, "nothing to claim")
            }
            for _ in 0..<3 {
                let chunk = try await claim()
                #expect(try await world.queue.passOn([chunk.fence], reason: "no such base here") == 1)
                #expect(try await world.queue.passOn([chunk.fence], reason: "again") == 0, "the fence is over")
                waits.append(
                    try await world.value(
                        "SELECT extract(epoch FROM run_at - clock_timestamp())::double precision FROM attune.chunk WHERE state = 2"
                    ))
                try await world.run("UPDATE attune.chunk SET run_at = clock_timestamp() WHERE state = 2")
                #expect(try await world.queue.wake(limit: 10) == 1)
            }
            #expect(zip(waits, [2, 4, 8]).allSatisfy { abs($0 - $1) < 1.5 }, "\(waits)")
            let holder = try await world.queue.registerWorker(name: "holder", version: "test").workerID
            try await world.queue.setBases([String(repeating: "a", count: 64)], ofWorker: holder)
            try await world.run("UPDATE attune.lane SET owner = \(holder) WHERE lane_id = 65539")
            let chunk = try await claim()
            #expect(chunk.jobs.map(\.tries) == [0], "it cost no try")
            #expect(try await world.queue.passOn([chunk.fence], reason: "no such base here") == 1)
            #expect(try await world.value("SELECT lane FROM attune.chunk WHERE state = 2") == Int32(65539))
            #expect(
                try await world.value("SELECT count(*) FROM attune.attempt_log WHERE error_class = 'base_not_held'")
                    == Int64(4))
        }
    }

    @Test("erasing a user removes the judgement of them, and a late one does not come back")
    func erased() async throws {
        try await inCanary { world in
            let judge = "SELECT attune.add_judgements(1, '{1}', '{1}', '{1}', '{0}', '{tail}', '{2}', '{0.6}', '{0.7}')"
            #expect(try await world.value(judge) == Int32(1))
            #expect(try await world.value(judge) == Int32(0), "each user once")
            try await world.run("SELECT attune.erase_user('acme', user_id) FROM attune.\"user\" WHERE uid = 1")
            #expect(try await world.value("SELECT count(*) FROM attune.campaign_judgement") == Int64(0))
            #expect(try await world.value(judge) == Int32(0))
        }
    }
}
