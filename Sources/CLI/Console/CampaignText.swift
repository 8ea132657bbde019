import Campaigns
import Foundation

/// Campaigns as people read them.
enum CampaignText {
    /// How one stands, in a sentence.
    static func sentence(_ campaign: CampaignStatus) -> String {
        let name = "campaign \(campaign.campaign), \(campaign.tenant): \(route(campaign))"
        switch (campaign.state, campaign.phase) {
        case ("paused", _): return "\(name) is paused: \(campaign.reason ?? "no reason was given")."
        case ("promoted", _):
            let until = campaign.windowEndsAt.map { ", the way back is open until \(Figures.dateAndTime($0))" } ?? ""
            return "\(name) serves since \(campaign.promotedAt.map(Figures.dateAndTime) ?? "–")\(until)."
        case ("running", "canary"): return "\(name): the canary is being judged."
        case ("running", "ready"):
            return "\(name) may be promoted; \(Figures.count(campaign.leftOver ?? 0)) users remain."
        case ("running", "sweep"): return "\(name) sweeps up users that changed or were missed."
        case ("running", _): return "\(name): \(progress(campaign))."
        default: return "\(name) is \(campaign.state.replacing("_", with: " "))."
        }
    }

    /// One campaign with its waves.
    static func lines(_ campaign: CampaignStatus, _ waves: [WaveStatus]) -> [String] {
        var lines = [sentence(campaign), ""]
        func add(_ title: String, _ value: String?) {
            if let value { lines.append(title.padding(toLength: 11, withPad: " ", startingAt: 0) + value) }
        }
        add("done", "\(Figures.count(campaign.done)) of \(campaign.users.map { "≈ \(Figures.count($0))" } ?? "–")")
        add("waiting", Figures.count(campaign.waiting))
        add("failed", campaign.failed > 10_000 ? "over 10,000" : Figures.count(campaign.failed))
        add("rate", campaign.rate.map { "\(Figures.count(Int($0.rounded())))/s" })
        add("limit", campaign.rateLimit.map { "\(Figures.count(Int($0.rounded())))/s" })
        add("fed by", campaign.doneAt.map { "≈ \(Figures.time($0))" })
        add("recipe", campaign.recipe.map(Figures.digest))
        guard !waves.isEmpty else { return lines }
        var table = TextTable(
            .init(title: "WAVE"), .init(title: "USERS", alignment: .right), .init(title: "VERDICT"),
            .init(title: "DIFFERENCE", alignment: .right), .init(title: "INTERVAL", alignment: .right),
            .init(title: "MARGIN", alignment: .right), .init(title: "JUDGED", alignment: .right),
            .init(title: "LOOKS", alignment: .right))
        table.rows = waves.map { wave in
            [
                wave.wave == 0 ? "canary" : String(wave.wave), Figures.count(wave.fed), wave.verdict,
                wave.difference.map { Figures.fixed($0, 4) } ?? "–",
                wave.lower.flatMap { lower in
                    wave.upper.map { "\(Figures.fixed(lower, 4)) to \(Figures.fixed($0, 4))" }
                } ?? "–",
                Figures.fixed(Double(wave.margin), 3), Figures.count(wave.judged), Figures.count(wave.looks),
            ]
        }
        return lines + [""] + table.lines(width: Terminal.width)
    }

    /// A list.
    static func table(_ campaigns: [CampaignStatus]) -> TextTable {
        var table = TextTable(
            .init(title: "CAMPAIGN", alignment: .right), .init(title: "TENANT"), .init(title: "STATE"),
            .init(title: "PHASE"), .init(title: "DONE", alignment: .right), .init(title: "USERS", alignment: .right),
            .init(title: "RATE/s", alignment: .right), .init(title: "BASE"), .init(title: "BEGAN"))
        table.rows = campaigns.map { campaign in
            [
                String(campaign.campaign), campaign.tenant, campaign.state,
                campaign.purpose == "keep" ? "keep" : campaign.phase, Figures.count(campaign.done),
                campaign.users.map { "≈ \(Figures.count($0))" } ?? "–",
                campaign.rate.map { Figures.count(Int($0.rounded())) } ?? "–", campaign.base,
                Figures.dateAndTime(campaign.createdAt),
            ]
        }
        return table
    }

    private static func route(_ campaign: CampaignStatus) -> String {
        campaign.purpose == "keep"
            ? "keeping \(campaign.base) up" : "\(campaign.fromBase ?? "no base") → \(campaign.base)"
    }

    private static func progress(_ campaign: CampaignStatus) -> String {
        let users = campaign.users.map { " of ≈ \(Figures.count($0))" } ?? ""
        let rate = campaign.rate.map { ", \(Figures.count(Int($0.rounded())))/s" } ?? ""
        let end = campaign.doneAt.map { ", done about \(Figures.time($0))" } ?? ""
        return "\(Figures.count(campaign.done))\(users) users\(rate)\(end); wave \(campaign.wave)"
    }
}
