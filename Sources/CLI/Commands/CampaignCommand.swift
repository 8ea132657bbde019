import ArgumentParser
import Campaigns
import Foundation
import Problem

/// Campaigns: how they stand, and what people do with them.
struct CampaignCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "campaign", abstract: "See, pause, resume, limit, cancel, promote and roll back campaigns.",
        discussion: """
            EXAMPLES:
              attune campaign list
              attune campaign show 12
              attune campaign promote 12
            """,
        subcommands: [
            List.self, Show.self, Pause.self, Resume.self, Limit.self, CancelCampaign.self, Promote.self, Rollback.self,
        ])

    /// The number of a campaign.
    struct Choice: ParsableArguments {
        @Argument(help: "The campaign's number.") var campaign: Int32
        @OptionGroup var connection: DatabaseOptions
        @OptionGroup var output: OutputOptions

        /// Does something with it, then shows how it stands.
        func act(_ body: (CampaignDesk, CampaignStatus) async throws -> Void) async throws {
            let status = try await connection.withDatabase { database in
                let desk = CampaignDesk(database)
                try await body(desk, try await find(desk))
                return try await find(desk)
            }
            if output.json { return try JSONOutput.print(status) }
            Terminal.output(CampaignText.sentence(status))
        }

        /// - Throws: `unknown_campaign`.
        func find(_ desk: CampaignDesk) async throws -> CampaignStatus {
            guard let status = try await desk.campaign(campaign) else {
                throw Problem(
                    "unknown_campaign", at: "campaign \(campaign)", "no campaign of that number.",
                    do: "attune campaign list")
            }
            return status
        }
    }

    /// Lists them.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List campaigns, newest first.", discussion: "EXAMPLES:\n  attune campaign list --tenant acme")

        @Option(help: ArgumentHelp("Only this tenant's.", valueName: "name")) var tenant: String?
        @OptionGroup var connection: DatabaseOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let all = try await connection.withDatabase { try await CampaignDesk($0).campaigns(of: tenant) }
            if output.json { return try all.forEach { try JSONOutput.print($0) } }
            CampaignText.table(all).show(whenEmpty: "no campaign yet: attune readapt --tenant NAME --base BASE")
        }
    }

    /// Shows one with its waves.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a campaign: how far, how fast, how its waves were judged, whether it may be promoted.",
            discussion: "EXAMPLES:\n  attune campaign show 12\n  attune campaign show 12 --json")

        @OptionGroup var choice: Choice

        private struct Answer: Encodable {
            var campaign: CampaignStatus
            var waves: [WaveStatus]
        }

        func run() async throws {
            let answer = try await choice.connection.withDatabase { database in
                let desk = CampaignDesk(database)
                return Answer(campaign: try await choice.find(desk), waves: try await desk.waves(of: choice.campaign))
            }
            if choice.output.json { return try JSONOutput.print(answer) }
            CampaignText.lines(answer.campaign, answer.waves).forEach(Terminal.output)
        }
    }

    /// Stops feeding.
    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Stop feeding a campaign; the seconds of jobs that were fed go on.",
            discussion: "EXAMPLES:\n  attune campaign pause 12 --reason 'nightly load'")

        @OptionGroup var choice: Choice
        @Option(help: "Why, for whoever looks.") var reason = "paused by a person"

        func run() async throws {
            try await choice.act { desk, _ in try await desk.pause(choice.campaign, reason: reason) }
        }
    }

    /// Goes on.
    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a paused campaign go on; under another active recipe it starts over with the canary.",
            discussion: "EXAMPLES:\n  attune campaign resume 12\n  attune campaign resume 12 --accept")

        @OptionGroup var choice: Choice
        @Flag(help: "Although a wave was judged against it; written on the wave.") var accept = false

        func run() async throws {
            try await choice.act { desk, _ in try await desk.resume(choice.campaign, accept: accept) }
        }
    }

    /// Limits the rate.
    struct Limit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Feed a campaign no more than so many users a second.",
            discussion:
                "EXAMPLES:\n  attune campaign limit 12 --users-per-second 500\n  attune campaign limit 12   # none")

        @OptionGroup var choice: Choice
        @Option(help: "Users a second; without it the limit is taken away.") var usersPerSecond: Float?

        func run() async throws {
            try await choice.act { desk, _ in try await desk.limit(choice.campaign, usersPerSecond: usersPerSecond) }
        }
    }

    /// Ends it.
    struct CancelCampaign: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "cancel", abstract: "End a campaign before its promotion; what was published stays unused.",
            discussion: "EXAMPLES:\n  attune campaign cancel 12")

        @OptionGroup var choice: Choice

        func run() async throws {
            try await choice.act { desk, _ in _ = try await desk.cancel(choice.campaign) }
        }
    }

    /// Lets its base serve.
    struct Promote: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a campaign's base serve its tenant: one row, at one instant, if nobody switched meanwhile.",
            discussion: "EXAMPLES:\n  attune campaign promote 12")

        @OptionGroup var choice: Choice
        @Flag(help: "Although it is not ready: users without a revision get the recipe's start.") var force = false

        func run() async throws {
            try await choice.act { desk, status in
                _ = try await desk.promote(
                    base: status.base, for: status.tenant, expectedEpoch: status.epoch, force: force)
            }
        }
    }

    /// Goes back.
    struct Rollback: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let the base before serve again: one row, if nobody switched meanwhile.",
            discussion: "EXAMPLES:\n  attune campaign rollback 12")

        @OptionGroup var choice: Choice
        @Flag(help: "Although the rollback window is closed: who changed since gets what they had then.") var force =
            false

        func run() async throws {
            try await choice.act { desk, status in
                guard status.state == "promoted" || force else {
                    throw Problem(
                        "campaign_ended", at: "campaign \(status.campaign)", "it is \(status.state), not promoted.",
                        do: "attune campaign list --tenant \(status.tenant)")
                }
                _ = try await desk.rollback(status.tenant, expectedEpoch: status.epoch, force: force)
            }
        }
    }
}
