import Foundation

/// `attune status` for people: a sentence that answers, the figures below it, then a row a flow.
enum StatusText {
    /// The lines, in at most `width` columns.
    static func lines(_ status: QueueStatus, width: Int? = Terminal.width) -> [String] {
        [sentence(status), ""] + figures(status) + table(status, width) + findings(status)
    }

    /// One line for a pipe that watches.
    static func line(_ status: QueueStatus) -> String {
        "\(Figures.time(status.at))  waiting \(amount(status.waiting, status.isExact))"
            + "  in work \(Figures.count(status.running))"
            + "  put off \(Figures.count(status.deferred))  \(rate(status.publishedPerSecond))/s"
            + "  completed \(status.endedLastHour["completed"] ?? 0)  discarded \(status.endedLastHour["discarded"] ?? 0)"
    }

    static func sentence(_ status: QueueStatus) -> String {
        let waiting = amount(status.waiting, status.isExact)
        switch status.verdict {
        case .idle:
            return status.deferred > 0
                ? "Idle. \(Figures.count(status.deferred)) jobs are put off: to a later time, or until there is an active base and "
                    + "recipe (attune doctor)." : "Idle. Nothing waits."
        case .starting: return "Starting. No worker has told of an ended job lately."
        case .keepingUp: return "Keeping up. What waits now is done in \(done(status))."
        case .draining:
            guard status.waiting > 0, let seconds = status.doneInSeconds else {
                return "Draining. Nothing waits; the last jobs are in work."
            }
            let end = Figures.time(status.at.addingTimeInterval(seconds))
            return "Draining. What waits now is done at \(end) (\(Figures.span(seconds: seconds)))."
        case .growing: return growing(status)
        case .paused where status.workersPaused == 0 || status.waiting == 0:
            return "Paused. \(Figures.count(status.parked)) jobs wait for a pause to end or a limit to leave room "
                + "(view attune.limits)."
        case .paused:
            return
                "Paused. \(waiting) jobs wait and all \(status.workersPaused) workers are paused: attune workers resume NAME"
        case .stuck:
            return status.workersLive == 0
                ? "Stuck. \(waiting) jobs wait and no worker is live: attune worker"
                : "Stuck. \(waiting) jobs wait and none has ended lately: attune doctor"
        }
    }

    private static func done(_ status: QueueStatus) -> String {
        Figures.span(seconds: status.doneInSeconds ?? 0)
    }

    private static func growing(_ status: QueueStatus) -> String {
        let worst = status.fastestGrowing.map { "\($0.tenant) \($0.flow)" } ?? "what waits"
        let wanted = status.workersToKeepUp.map { "; \(Figures.count($0)) workers would keep up" } ?? ""
        return "Growing. \(worst) most: \(rate(status.endedPerSecond)) jobs/s are done, "
            + "\(rate(status.growthPerSecond ?? 0)) more come\(wanted)."
    }

    private static func figures(_ status: QueueStatus) -> [String] {
        let ended = status.endedLastHour
        let kept = status.keptShare.map { Figures.fixed(100 * $0, 1) + " % kept" } ?? "–"
        let oldest = status.oldestSeconds.map { "   oldest \(Figures.span(seconds: $0))" } ?? ""
        let putOff = status.deferred > 0 ? "   \(Figures.count(status.deferred)) put off" : ""
        let parked = status.parked > 0 ? "   \(Figures.count(status.parked)) parked" : ""
        let named = status.discardedLastHour.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(2).map(\.key)
        let paused = status.workersPaused > 0 ? ", \(status.workersPaused) paused" : ""
        return [
            "waiting    \(pad(amount(status.waiting, status.isExact)))\(oldest)\(putOff)\(parked)\(taken(status))",
            "in work    \(pad(Figures.count(status.running)))   \(status.workersLive) of \(status.workers) workers live\(paused)",
            "published  \(pad(rate(status.publishedPerSecond)))/s \(kept) last hour, \(rate(status.retriesPerSecond))/s retries",
            "discarded  \(pad(Figures.count(ended["discarded"] ?? 0)))   last hour\(named.isEmpty ? "" : ": ")"
                + named.joined(separator: ", "),
        ]
    }

    private static func findings(_ status: QueueStatus) -> [String] {
        switch status.findings {
        case 0: []
        case 1: ["1 finding: attune doctor"]
        default: ["\(status.findings) findings: attune doctor"]
        }
    }

    /// When an estimate was taken, if that is some time ago.
    private static func taken(_ status: QueueStatus) -> String {
        guard let asOf = status.asOf, status.at.timeIntervalSince(asOf) > 10 else { return "" }
        return "   as of \(Figures.time(asOf))"
    }

    private static func table(_ status: QueueStatus, _ width: Int?) -> [String] {
        guard !status.flows.isEmpty else { return [] }
        var table = TextTable(
            .init(title: "TENANT"), .init(title: "FLOW"), .init(title: "WAITING", alignment: .right),
            .init(title: "OLDEST", alignment: .right), .init(title: "RATE/s", alignment: .right), .init(title: "EMPTY"))
        table.rows = status.flows.map { line in
            [
                line.tenant, line.flow, amount(line.waiting + line.parked, line.isExact),
                line.oldestSeconds.map { Figures.span(seconds: $0) } ?? "–", rate(line.ratePerSecond),
                line.emptyInSeconds.map { Figures.time(status.at.addingTimeInterval($0)) } ?? "–",
            ]
        }
        return [""] + table.lines(width: width)
    }

    /// A count of what waits, marked where it is an estimate.
    private static func amount(_ count: Int64, _ isExact: Bool) -> String {
        (isExact || count == 0 ? "" : "≈ ") + Figures.count(count)
    }

    private static func rate(_ perSecond: Double) -> String {
        if perSecond >= 100 { return Figures.count(Int64(perSecond.rounded())) }
        return Figures.fixed(perSecond, perSecond > 0 && perSecond < 10 ? 2 : perSecond == 0 ? 0 : 1)
    }

    private static func pad(_ text: String) -> String {
        String(repeating: " ", count: max(0, 9 - text.count)) + text
    }
}
