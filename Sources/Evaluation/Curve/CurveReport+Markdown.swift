import Foundation

extension CurveReport {
    /// The tables as Markdown.
    public var markdown: String {
        let sizes = Set(tables.curve.map(\.support)).sorted()
        let sections =
            [Self.introduction(config)] + sizes.map(quality) + [targets, gains(sizes), controls(sizes), membership]
        return sections.joined(separator: "\n\n") + "\n"
    }

    private static func introduction(_ config: Configuration) -> String {
        """
        # Quality by inner steps

        Mean AUC over \(config.scoredUsers) users. Every method works on the same head over the same frozen features and is learned on \
        \(config.trainingUsers) meta-train users only: up to \(config.folds) folds of at most \(config.maximumOuterSteps) outer steps of \
        \(config.usersPerOuterStep) users, each with its checkpoint chosen on its own part of the meta-train users, the outer rate on the \
        first (\(config.outerRates.count) tried). Then each has up to \(config.settingsPerMethod) settings, chosen for each number of steps \
        and support size on \(config.validationUsers) validation users\
        \(config.isTunedOnScoredUsers ? ", which are the scored users too: a little in the rivals' favour" : ""); the product has none. \
        Seed \(config.seed). Brackets are 95 % intervals of a bootstrap over users.
        """
    }

    private func methods(_ isKept: (String) -> Bool = { _ in true }) -> [String] {
        var methods: [String] = []
        for row in tables.curve where isKept(row.method) && !methods.contains(row.method) { methods.append(row.method) }
        return methods
    }

    static func isControl(_ method: String) -> Bool { method.hasSuffix("_swapped") || method.hasSuffix("_shuffled") }

    private func quality(_ size: Int) -> String {
        let own = tables.curve.filter { $0.support == size && !Self.isControl($0.method) }
        let counts = Set(own.filter(\.hasSteps).map(\.steps)).sorted()
        let rows = methods { !Self.isControl($0) }.map { method in
            let rows = own.filter { $0.method == method }
            let best = rows.max { $0.areaUnderCurve.mean < $1.areaUnderCurve.mean }
            let cells = counts.map { count in
                rows.first { $0.steps == count || !$0.hasSteps }.map { Self.score($0.areaUnderCurve.mean) } ?? ""
            }
            return [method] + cells + [best.map { Self.interval($0.productOver) } ?? ""]
        }
        return "## S = \(size) examples\n\n"
            + markdownTable(["method"] + counts.map { "K = \($0)" } + ["product over its best K"], rows)
    }

    private var targets: String {
        "## Steps and time to the ridge's AUC\n\nOf all support sizes together; adapting and scoring one user, one thread.\n\n"
            + markdownTable(
                ["method", "steps", "microseconds"],
                tables.targets.filter { !Self.isControl($0.method) }.map {
                    [
                        $0.method, $0.steps.map { "\($0)" } ?? "not reached",
                        $0.microsecondsPerUser.map { String(format: "%.0f", $0) } ?? "",
                    ]
                })
    }

    private func gains(_ sizes: [Int]) -> String {
        let rows = sizes.flatMap { size in
            methods { !Self.isControl($0) && $0 != "global_head" }.compactMap { method -> [String]? in
                let own = tables.curve.filter { $0.method == method && $0.support == size }
                guard let best = own.max(by: { $0.gain?.mean ?? -1 < $1.gain?.mean ?? -1 }), let gain = best.gain
                else { return nil }
                let numbers = [gain.low, gain.median, gain.high, gain.mean].map { String(format: "%+.3f", $0) }
                return ["\(size)", method, best.hasSteps ? "\(best.steps)" : ""] + numbers
                    + [String(format: "%.2f", gain.shareHarmed)]
            }
        }
        return
            "## Harm and gain\n\nQuery log loss of the head for everyone less the method's, nats a user, no guard; "
            + "settings by the validation users' log loss, K by the mean.\n\n"
            + markdownTable(["S", "method", "K", "5 %", "50 %", "95 %", "mean", "worse by > .02"], rows)
    }

    private func controls(_ sizes: [Int]) -> String {
        let names = ["product", "product_swapped", "basis", "basis_shuffled", "hypernetwork", "hypernetwork_shuffled"]
        let rows = (["global_head"] + names).compactMap { method -> [String]? in
            let cells = sizes.map { size in
                tables.curve.filter { $0.method == method && $0.support == size && ($0.steps > 0 || !$0.hasSteps) }
                    .map(\.areaUnderCurve.mean).max()
            }
            return cells.contains { $0 != nil } ? [method] + cells.map { $0.map(Self.score) ?? "" } : nil
        }
        return
            "## Controls\n\nAt the best K of one or more. Swapped: the next user's head. Shuffled: the next user's context, the user's own steps.\n\n"
            + markdownTable(["method"] + sizes.map { "S = \($0)" }, rows)
    }

    private var membership: String {
        "## Membership inference\n\nAUC of telling a user's support from the same user's later examples by how much the user's head "
            + "lowers their loss; .5 tells nothing, above .6 is a finding.\n\n"
            + markdownTable(
                ["head", "S", "AUC"],
                tables.membership.map { [$0.method, "\($0.support)", Self.interval($0.areaUnderCurve, sign: "")] })
    }

    private static func score(_ value: Double) -> String { String(format: "%.4f", value) }

    private static func interval(_ interval: Interval, sign: String = "+") -> String {
        let format = "%\(sign).4f [%\(sign).4f, %\(sign).4f]"
        return String(format: format, interval.mean, interval.low, interval.high)
    }
}

/// A table as Markdown; all columns but the first are numbers.
func markdownTable(_ titles: [String], _ rows: [[String]]) -> String {
    let rule = titles.indices.map { $0 == 0 ? "---" : "---:" }
    return ([titles, rule] + rows).map { "| \($0.joined(separator: " | ")) |" }.joined(separator: "\n")
}
