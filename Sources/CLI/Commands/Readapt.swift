import ArgumentParser
import Campaigns
import Foundation

/// Starts a campaign.
struct Readapt: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Adapt every user of a tenant anew under another base: canary, judged waves, promotion.",
        discussion: """
            The base is registered and a recipe is active under it; workers that hold it run. One row is written, whatever
            the number of users; a scheduler feeds it. Nothing changes for anyone before `attune campaign promote`.

            EXAMPLES:
              attune readapt --tenant acme --base minilm-v3
              attune readapt --tenant acme --base minilm-v3 --rate-limit 500 --promote-itself
              attune readapt --tenant acme --base minilm-v3 --warm-start delta
              in SQL: SELECT attune.readapt('acme', 'minilm-v3')
            """)

    @OptionGroup var tenant: TenantOption
    @Option(help: "Name or digest of the base that everyone is brought to.") var base: String
    @Option(help: "Users of the canary, 1 to 10,000 (default 500).") var canary: Int32?
    @Option(help: "Each wave has this many times the users of the one before (default 4).") var waveGrowth: Float?
    @Option(help: "Users of each wave, about, that are judged on held-out examples; 0 judges nothing (default 500).")
    var judged: Int32?
    @Option(help: "Nats an example by which the new base may be worse (default 0.02).") var margin: Float?
    @Option(help: ArgumentHelp("Feed no more than this.", valueName: "users/s")) var rateLimit: Float?
    @Flag(help: "Promote as soon as it is ready, without asking.") var promoteItself = false
    @Option(help: ArgumentHelp("How long the way back stays open (default 24).", valueName: "hours"))
    var rollbackWindow: Double?
    @Option(help: "What everyone starts from: recipe, or delta (a copy of what each has under the base before).")
    var warmStart = Start.recipe
    @OptionGroup var connection: DatabaseOptions
    @OptionGroup var output: OutputOptions

    /// ``WarmStart`` as a word of the command line.
    enum Start: String, ExpressibleByArgument, CaseIterable {
        case recipe, delta

        var option: WarmStart { self == .recipe ? .recipe : .delta }
    }

    private struct Answer: Encodable {
        var campaign: Int32
        var tenant: String
        var base: String
        var seconds: Double
    }

    func run() async throws {
        var options = CampaignOptions()
        (options.canaryUsers, options.waveGrowth, options.judgedUsers) = (canary, waveGrowth, judged)
        (options.margin, options.rateLimit, options.promotesItself) = (margin, rateLimit, promoteItself)
        (options.rollbackHours, options.warmStart) = (rollbackWindow, warmStart.option)
        let answer = try await connection.withDatabase { [options] database in
            let started = ContinuousClock.now
            let number = try await CampaignDesk(database).start(tenant: tenant.tenant, base: base, options)
            let spent = (ContinuousClock.now - started).components
            return Answer(
                campaign: number, tenant: tenant.tenant, base: base,
                seconds: Double(spent.seconds) + Double(spent.attoseconds) * 1e-18)
        }
        if output.json { return try JSONOutput.print(answer) }
        Terminal.output("started    campaign \(answer.campaign): \(answer.tenant) to \(answer.base)")
        Terminal.note("next       attune campaign show \(answer.campaign)")
    }
}
