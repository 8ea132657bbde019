import Campaigns
import Postgres
import PostgresTestSupport
import Queue
import Registry
import Testing

@Suite(.needsPostgres, .timeLimit(.minutes(3))) struct CampaignTests {
    private var options: CampaignOptions {
        var options = CampaignOptions()
        (options.canaryUsers, options.judgedUsers) = (50, 50)
        return options
    }

    @Test(
        "a campaign adapts everyone once under its base, catches up who changed, and is promoted and rolled back by one row"
    )
    func lifecycle() async throws {
        try await CampaignWorld.with(users: 1500) { world in
            try await world.run("SELECT attune.enqueue('acme', 'u' || n) FROM generate_series(1, 1500) AS n")
            try await world.work()
            let number = try await world.desk.start(tenant: "acme", base: "second", options)
            await world.expectRefusal("already_exists") {
                _ = try await world.desk.start(tenant: "acme", base: "second")
            }
            try await world.driver.tick(epoch: 1, at: 0)
            try await world.work()
            let canary: Int64 = try await world.value("SELECT count(*) FROM attune.pointer WHERE base_id = 2")
            #expect((25...50).contains(canary), "\(canary)")
            let span: Int64 = try await world.value("SELECT max(uid) - min(uid) FROM attune.pointer WHERE base_id = 2")
            #expect(span > 1000, "the canary is drawn from all of them")
            let refused = await world.refusal { _ = try await world.desk.promote(base: "second", for: "acme") }
            #expect(refused == "campaign_not_ready")
            // Covered users change while the waves go on; others come.
            try await world.drive(until: ["waves"], from: 1)
            try await world.record("u", 1...40)
            try await world.record("late", 1...5)
            try await world.drive(until: ["ready"], from: 100)
            let missing: Int64 = try await world.value(
                """
                SELECT count(*) FROM attune."user" u LEFT JOIN attune.pointer p ON p.uid = u.uid AND p.base_id = 2
                WHERE p.judged_through IS DISTINCT FROM u.data_seq
                """)
            #expect(missing == 0, "everyone is covered, with the newest data")
            let twice: Int64 = try await world.value(
                "SELECT count(*) FROM (SELECT FROM attune.revision WHERE base_id = 2 GROUP BY uid, data_through HAVING count(*) > 1) d"
            )
            #expect(twice == 0, "nobody was adapted twice to the same data")
            let stands1 = try await world.campaign()
            #expect(stands1.canPromote)
            #expect(
                try await world.value(
                    "SELECT number FROM attune.pointer JOIN attune.\"user\" USING (uid) WHERE user_id = 'u1' AND base_id = 1"
                ) == Int32(1))

            let stale = await world.refusal {
                _ = try await world.desk.promote(base: "second", for: "acme", expectedEpoch: 7)
            }
            #expect(stale == "stale_epoch")
            #expect(try await world.desk.promote(base: "second", for: "acme", expectedEpoch: 1) == 2)
            let stands2 = try await world.campaign(number)
            #expect(stands2.state == "promoted")
            // Who changes now is adapted under both bases.
            try await world.record("u", 7...7)
            _ = try await world.queue.enqueue(NewJob(tenant: "acme", user: "u7"))
            for second in 200..<230 {
                try await world.driver.tick(epoch: 1, at: Double(second))
                try await world.work()
            }
            #expect(
                try await world.value(
                    "SELECT count(*) FROM attune.pointer p JOIN attune.\"user\" u USING (uid) WHERE u.user_id = 'u7' AND p.judged_through = u.data_seq"
                ) == Int64(2))
            #expect(try await world.desk.rollback("acme") == 3)
            #expect(try await world.value("SELECT base FROM attune.users WHERE user_id = 'u7'") == "first")
            #expect(try await world.value("SELECT newer_examples FROM attune.users WHERE user_id = 'u7'") == Int64(0))
            let states = try await world.desk.campaigns().map(\.state)
            #expect(states == ["completed", "rolled_back"])
        }
    }

    @Test(
        "a bad recipe is stopped by the canary; resuming needs another recipe, which begins a new round, or a person's word"
    )
    func badRecipe() async throws {
        try await CampaignWorld.with(users: 200) { world in
            let number = try await world.desk.start(tenant: "acme", base: "second", options)
            try await world.drive(until: ["paused"]) { _ in 0.3 }
            let status = try await world.campaign()
            #expect(status.reason?.hasPrefix("the canary failed: held-out loss is worse by") == true, "\(status)")
            #expect(status.fed <= 50)
            try await world.driver.tick(epoch: 1, at: 90)
            let stands3 = try await world.campaign()
            #expect(stands3.fed == status.fed, "a paused campaign feeds nobody")
            await world.expectRefusal("judgement_stands") { try await world.desk.resume(number, accept: false) }

            try await world.activate("second2")
            try await world.desk.resume(number, accept: false)
            try await world.drive(until: ["ready"], from: 100)
            let stands4 = try await world.campaign()
            #expect(stands4.round == 2)
            let old: Int64 = try await world.value(
                "SELECT count(*) FROM attune.pointer p JOIN attune.recipe r USING (recipe_id) WHERE p.base_id = 2 AND r.name = 'second1'"
            )
            #expect(old == 0, "nobody keeps a revision by the bad recipe")
            #expect(
                try await world.value(
                    "SELECT count(*) FROM attune.campaign_waves WHERE verdict = 'failed' AND NOT is_current")
                    == Int64(1))
        }
    }

    @Test("a person may take a judgement upon them, and it is written on the wave")
    func accepted() async throws {
        try await CampaignWorld.with(users: 120) { world in
            var options = options
            options.judgedUsers = 1000
            let number = try await world.desk.start(tenant: "acme", base: "second", options)
            try await world.drive(until: ["paused"]) { _ in 0.3 }
            try await world.desk.resume(number, accept: true)
            try await world.drive(until: ["ready"], from: 100)
            let seen8 = try await world.desk.waves(of: number)
            #expect(seen8.map(\.verdict) == ["accepted", "passed"])
        }
    }

    @Test("another recipe activated in the middle pauses the campaign before another job is made")
    func otherRecipe() async throws {
        try await CampaignWorld.with(users: 1200) { world in
            _ = try await world.desk.start(tenant: "acme", base: "second", options)
            try await world.drive(until: ["waves"])
            let fed = try await world.campaign().fed
            try await world.activate("second2")
            try await world.driver.tick(epoch: 1, at: 100)
            let status = try await world.campaign()
            #expect((status.state, status.fed) == ("paused", fed))
            try await world.desk.resume(1, accept: false)
            try await world.drive(until: ["ready"], from: 200)
        }
    }

    @Test(
        "who cannot be adapted is not tried by every sweep, but again when there is newer data; they keep nobody waiting"
    )
    func discarded() async throws {
        try await CampaignWorld.with(users: 100) { world in
            _ = try await world.desk.start(tenant: "acme", base: "second", options)
            let bad: Set<String> = Set((1...20).map { "u\($0)" })
            try await world.drive(until: ["ready"], fail: bad)
            let stands5 = try await world.campaign()
            #expect((20...40).contains(stands5.failed), "in the canary and in a wave, and not again")
            let jobs: Int64 = try await world.value("SELECT count(*) FROM attune.job")
            try await world.run("UPDATE attune.campaign SET pass_ended_at = NULL")
            try await world.record("u", 3...3)
            for second in 300..<305 {
                try await world.driver.tick(epoch: 1, at: Double(second))
                try await world.work()
            }
            #expect(try await world.value("SELECT count(*) FROM attune.pointer WHERE base_id = 2") == Int64(81))
            #expect(try await world.value("SELECT count(*) FROM attune.job") == jobs + 1)
        }
    }

    @Test("starting from copies needs something to copy, of the same width, and judged waves; workers are told")
    func copies() async throws {
        try await CampaignWorld.with(users: 10) { world in
            var options = options
            options.warmStart = .delta
            await world.expectRefusal("width_mismatch") {
                _ = try await world.desk.start(tenant: "acme", base: "narrow", options)
            }
            await world.expectRefusal("bad_campaign") {
                try await world.run("SELECT attune.readapt('acme', 'second', warm_start => 'zero')")
            }
            await world.expectRefusal("bad_campaign") {
                try await world.run("SELECT attune.readapt('acme', 'second', judged_users => 0, warm_start => 'delta')")
            }
            let number = try await world.desk.start(tenant: "acme", base: "second", options)
            let inputs = AdaptationInputs(world.pool)
            #expect(try await inputs.campaignBrief(number)?.startsFromCopies == true)
            _ = try await world.desk.cancel(number)
            let plain = try await world.desk.start(tenant: "acme", base: "second")
            #expect(try await inputs.campaignBrief(plain)?.startsFromCopies == false)
        }
    }

    @Test("cancelling and limiting; what has ended cannot be paused")
    func control() async throws {
        try await CampaignWorld.with(users: 120) { world in
            let number = try await world.desk.start(tenant: "acme", base: "second", options)
            try await world.desk.pause(number, reason: "lunch")
            let stands6 = try await world.campaign()
            #expect(stands6.reason == "lunch")
            try await world.driver.tick(epoch: 1, at: 0)
            let stands7 = try await world.campaign()
            #expect(stands7.fed == 0)
            try await world.desk.resume(number, accept: false)
            try await world.desk.limit(number, usersPerSecond: 10)
            for second in 0..<8 {
                try await world.driver.tick(epoch: 1, at: Double(second))
                try await world.work()
            }
            let fed = try await world.campaign().fed
            #expect(fed <= 50 + 80 && fed > 50, "\(fed)")
            #expect(try await world.desk.cancel(number) == "cancelled")
            await world.expectRefusal("campaign_ended") { try await world.desk.pause(number, reason: "") }
            await world.expectRefusal("campaign_ended") { try await world.desk.resume(number, accept: false) }
            await world.expectRefusal("unknown_campaign") { try await world.desk.pause(99, reason: "") }
            #expect(try await world.desk.start(tenant: "acme", base: "second") == 2, "another may follow")
        }
    }

    @Test("options out of range, unknown bases and a way back that is none are refused by name")
    func refusals() async throws {
        try await CampaignWorld.with(users: 1) { world in
            func start(
                _ base: String, _ expected: String?, _ change: (inout CampaignOptions) -> Void
            ) async {
                var options = CampaignOptions()
                change(&options)
                await world.expectRefusal(expected) {
                    _ = try await world.desk.start(tenant: "acme", base: base, options)
                }
            }
            await start("third", "unknown_base") { _ in }
            await start("second", "bad_campaign") { $0.canaryUsers = 0 }
            await start("second", "bad_campaign") { $0.margin = 0 }
            await start("second", "bad_campaign") { $0.rateLimit = -1 }
            await world.expectRefusal("unknown_base") { _ = try await world.desk.rollback("acme") }
            await start("narrow", nil) { _ in }
        }
    }
}
