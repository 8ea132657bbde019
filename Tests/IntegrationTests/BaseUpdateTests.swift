import Adapters
import Bench
import Campaigns
import Foundation
import Meta
import Model
import Population
import Postgres
import PostgresTestSupport
import Recipe
import Registry
import Testing

extension EndToEnd {
    /// A new base for everyone, with real workers that hold two revisions of one model.
    @Suite(.needsPostgres, .needsS3, .timeLimit(.minutes(4))) struct BaseUpdateTests {
        /// A recipe whose head rates what people like as what they dislike.
        private func planted(_ digest: String, width: Int) -> Recipe {
            var recipe = Recipe.plain(name: "planted", baseDigest: digest, head: .zero(width: width))
            recipe.settings.guarding = nil
            recipe.rule.preconditioner = .isotropic(40)
            recipe.rule.steps[0].decayLogit = 40
            recipe.rule.start.bias = 6
            recipe.headWithoutData = recipe.rule.start
            return recipe
        }

        /// A second revision of the site's base beside it: perturbed, and registered as `base-v2`.
        private func revise(_ site: Site, scale: Float) async throws -> (folder: String, digest: String, width: Int) {
            let folder = site.folder.appending(path: "base-v2").path
            try PerturbedBase(scale: scale, seed: 3).write(from: try #require(TestSettings.base), to: folder)
            let base = try BaseFolder.open(folder)
            let width = base.configuration.width
            try await site.registry.registerBase(name: "base-v2", digest: base.digest, width: width)
            return (folder, base.digest, width)
        }

        @Test(
            "a base update: the guard stops a planted bad recipe at the canary, another one is judged good, everyone gets it, and the way back is one row"
        )
        func update() async throws {
            try await Site.with(users: 300) { site in
                let (folder, digest, width) = try await revise(site, scale: 0.02)
                try await site.enqueue()
                let first = try site.worker("one", "--until-idle")
                try await first.succeeds()

                try await site.activate(planted(digest, width: width))
                _ = try await site.run(
                    "readapt", "--tenant", Site.tenant, "--base", "base-v2", "--canary", "60", "--margin", "0.1")
                let worker = try site.worker("two", "--base", try #require(TestSettings.base), "--base", folder)
                let scheduler = try site.scheduler()
                let desk = CampaignDesk(site.database)
                func wait(_ what: String, _ holds: @escaping (CampaignStatus) -> Bool) async throws {
                    try await eventually(
                        what, within: 90,
                        context: {
                            "\(String(describing: try await desk.campaign(1))) \(try await desk.waves(of: 1))\n"
                                + (try worker.output().suffix(800)) + (try scheduler.output().suffix(800))
                        }
                    ) { try await desk.campaign(1).map(holds) ?? false }
                }
                try await wait("the canary stops the planted recipe") { $0.state == "paused" }
                let stopped = try #require(try await desk.campaign(1))
                #expect(stopped.reason?.hasPrefix("the canary failed") == true, "\(stopped)")
                #expect(stopped.fed <= 60)
                #expect(try await site.count("attune.campaign_judgement WHERE method = 'tail'") >= 30)

                try await site.activate(
                    Recipe.plain(name: "good", baseDigest: digest, head: .zero(width: width)))
                _ = try await site.run("campaign", "resume", "1")
                try await wait("it may be promoted") { $0.canPromote }
                let covered = try await site.count(
                    "attune.pointer p JOIN attune.recipe r USING (recipe_id) WHERE r.name = 'good'")
                #expect(covered == 300)

                let before = try await site.run("campaign", "show", "1")
                #expect(before.contains("may be promoted") && before.contains("canary"), "\(before)")
                _ = try await site.run("campaign", "promote", "1")
                #expect(try await site.count("attune.users WHERE base = 'base-v2' AND newer_examples = 0") == 300)
                _ = try await site.run("campaign", "rollback", "1")
                #expect(try await site.count("attune.users WHERE base = 'base' AND newer_examples = 0") == 300)
                #expect(try await desk.campaign(1)?.state == "rolled_back")
                try await worker.end()
                try await scheduler.end()
                let ledger = try await Ledger(of: site)
                #expect(ledger.endings["discarded", default: 0] == 0, "\(ledger.endings)")
            }
        }

        @Test(
            "copies of what users had are what their steps begin at under the new base, and the waves judge them by what they have not seen",
            arguments: [false, true])
        func copies(hasBasis: Bool) async throws {
            try await Site.with(users: 120) { site in
                let (folder, digest, width) = try await revise(site, scale: 0.01)
                let basis = hasBasis ? try site.recipeWithBasis() : nil
                if let basis { try await site.activate(basis) }
                try await site.enqueue()
                try await site.worker("one", "--until-idle").succeeds()

                // Steps that change nothing: what is published is what was copied.
                var still = Recipe.plain(name: "still", baseDigest: digest, head: .zero(width: width))
                still.basis = basis?.basis
                still.rule.steps = [StepParameters(logRate: -60, logBiasRate: -60, decayLogit: -60)]
                try await site.activate(still)
                _ = try await site.run(
                    "readapt", "--tenant", Site.tenant, "--base", "base-v2", "--canary", "60", "--margin", "0.2",
                    "--warm-start", "delta")
                let worker = try site.worker("two", "--base", try #require(TestSettings.base), "--base", folder)
                let scheduler = try site.scheduler()
                try await eventually("it may be promoted", within: 90) {
                    try await site.count("attune.campaigns WHERE can_promote") == 1
                }
                // From a head of zeros every loss would be log 2.
                let copied = try await site.count(
                    "attune.outcome o JOIN attune.job j USING (job_id) WHERE j.campaign_id = 1 AND o.loss_before < 0.69"
                )
                let had = try await site.count("attune.pointer WHERE base_id = 1 AND revision_id IS NOT NULL")
                #expect(had > 60 && copied > had * 3 / 4, "\(copied) of \(had)")
                let judged = try await site.count(
                    "attune.campaign_judgement WHERE method = 'tail' AND loss_after <> loss_before AND loss_after < 0.69"
                )
                #expect(judged > 10, "they are judged with a copy, too")
                try await worker.end()
                try await scheduler.end()
            }
        }

        @Test("work under a base that one worker lacks is done by the one that has it, and costs no try")
        func mixedFleet() async throws {
            // So many chunks that both workers are bound to meet some.
            try await Site.with(users: 60, timing: Site.Timing(chunkJobs: 2)) { site in
                let (folder, digest, width) = try await revise(site, scale: 0.02)
                try await site.activate(
                    Recipe.plain(name: "good", baseDigest: digest, head: .zero(width: width)))
                try await site.registry.promote(base: "base-v2", for: Site.tenant)
                let old = try site.worker("old")
                let new = try site.worker("new", "--base", folder)
                let scheduler = try site.scheduler()
                try await eventually("both own lanes") {
                    try await site.count("(SELECT FROM attune.lane WHERE owner IS NOT NULL GROUP BY owner) AS o") == 2
                }
                try await site.enqueue()
                try await site.everythingEnds()
                #expect(try await site.count("attune.attempt_log WHERE error_class = 'base_not_held'") > 0)
                #expect(try await site.count("attune.attempt_log WHERE tries > 0") == 0)
                #expect(
                    try await site.count("attune.jobs WHERE finished_at IS NOT NULL AND worker = 'new'")
                        == 60)
                for process in [old, new, scheduler] { try await process.end() }
            }
        }
    }
}
