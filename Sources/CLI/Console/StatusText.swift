import Foundation

/// `attune status` for people: a sentence that answers, the figures below it, then a row a flow.
enum StatusText {
    static func lines(_ status: QueueStatus) -> [String] {
        [sentence(status), ""] + figures(status) + table(status)
    }

    /// One line for a pipe that watches.
    static func line(_ status: QueueStatus) -> String {
        "\(Figures.time(status.at))  waiting \(amount(status.waiting, status))  in work \(Figures.count(status.running))"
            + "  put off \(Figures.count(status.deferred))  \(rate(status.endedPerSecond))/s"
            + "  completed \(status.endedLastHour["completed"] ?? 0)  discarded \(status.endedLastHour["discarded"] ?? 0)"
    }

    static func sentence(_ status: QueueStatus) -> String {
        switch status.verdict {
        case .idle:
            return status.deferred > 0
                ? "Idle. \(Figures.count(status.deferred)) jobs are put off: to a later time, or until there is an active base and "
                    + "recipe (attune doctor)." : "Idle. Nothing waits."
        case .waiting: return "Starting. Nothing has ended in the last minute."
        case .draining:
            guard let seconds = status.doneInSeconds else {
                return "Draining. Nothing waits; the last jobs are in work."
            }
            let end = Figures.time(status.at.addingTimeInterval(seconds))
            return "Draining. What waits now is done at \(end) (\(Figures.span(seconds: seconds)))."
        case .stuck:
            return status.workersLive == 0
                ? "Stuck. \(amount(status.waiting, status)) jobs wait and no worker is live: attune worker"
                : "Stuck. \(amount(status.waiting, status)) jobs wait and none has ended in the last minute: attune doctor"
        }
    }

    private static func figures(_ status: QueueStatus) -> [String] {
        let ended = status.endedLastHour
        let judged = (ended["completed"] ?? 0) + (ended["kept"] ?? 0)
        let kept = judged > 0 ? Figures.fixed(100 * Double(ended["kept"] ?? 0) / Double(judged), 1) + " % kept" : "–"
        let oldest = status.oldestSeconds.map { "   oldest \(Figures.span(seconds: $0))" } ?? ""
        let putOff = status.deferred > 0 ? "   \(Figures.count(status.deferred)) put off" : ""
        let classes = status.discardedLastHour.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        let named = classes.prefix(2).map(\.key).joined(separator: ", ")
        return [
            "waiting    \(pad(amount(status.waiting, status)))\(oldest)\(putOff)",
            "in work    \(pad(Figures.count(status.running)))   \(status.workersLive) of \(status.workers) workers live",
            "published  \(pad(Figures.count(ended["completed"] ?? 0)))   last hour, \(kept); "
                + "\(rate(status.endedPerSecond)) jobs/s in the last minute",
            "discarded  \(pad(Figures.count(ended["discarded"] ?? 0)))   last hour\(named.isEmpty ? "" : ": \(named)")",
        ]
    }

    private static func table(_ status: QueueStatus) -> [String] {
        guard !status.flows.isEmpty else { return [] }
        var table = TextTable(
            .init(title: "TENANT"), .init(title: "FLOW"), .init(title: "WAITING", alignment: .right),
            .init(title: "OLDEST", alignment: .right), .init(title: "RATE/s", alignment: .right), .init(title: "EMPTY"))
        table.rows = status.flows.map { line in
            [
                line.tenant, line.flow, amount(line.waiting, status),
                line.oldestSeconds.map { Figures.span(seconds: $0) } ?? "–", rate(line.ratePerSecond),
                line.emptyInSeconds.map { Figures.time(status.at.addingTimeInterval($0)) } ?? "–",
            ]
        }
        return [""] + table.lines(width: Terminal.width)
    }

    /// A count of what waits; from below where lanes were not counted to their end.
    private static func amount(_ count: Int64, _ status: QueueStatus) -> String {
        (status.isExact || count == 0 ? "" : "≈ ") + Figures.count(count)
    }

    private static func rate(_ perSecond: Double) -> String {
        perSecond >= 100 ? Figures.count(Int64(perSecond.rounded())) : Figures.fixed(perSecond, 1)
    }

    private static func pad(_ text: String) -> String {
        String(repeating: " ", count: max(0, 9 - text.count)) + text
    }
}
