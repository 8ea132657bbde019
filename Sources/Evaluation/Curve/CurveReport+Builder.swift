import Meta

extension CurveReport {
    /// One method's scores at its best setting.
    struct Run {
        var method: String
        var hasSteps: Bool
        var steps: Int
        var support: Int
        var queries: [ScoredQuery]
        /// At the setting of the least log loss; nil where logits are not meant as such.
        var calibrated: [ScoredQuery]?
        var setting: Float?
        var isSettingAtEdge: Bool
        var secondsPerUser: Double
    }

    /// Collects runs and makes the tables and figures of them.
    struct Builder {
        private let bootstrap: Bootstrap
        private let generalLosses: [Double]
        private let stepCounts: [Int]
        private var runs: [Run] = []
        private var membership: [Membership] = []

        init(users: Int, seed: UInt64, general: [ScoredQuery], stepCounts: [Int]) {
            bootstrap = Bootstrap(users: users, seed: seed)
            generalLosses = general.map(\.meanLoss)
            self.stepCounts = stepCounts
        }

        mutating func add(_ run: Run) { runs.append(run) }

        mutating func addMembership(_ method: String, _ support: Int, _ areas: [Double?]) {
            membership.append(
                Membership(
                    method: method, support: support, areaUnderCurve: bootstrap.interval(areas.map { $0 ?? 0.5 })))
        }

        func report(_ config: Configuration) -> CurveReport {
            let rows = runs.map(row)
            let tables = Tables(curve: rows, targets: targets(rows), membership: membership)
            return CurveReport(config: config, figures: figures(tables), tables: tables)
        }

        private func row(_ run: Run) -> Row {
            func areas(_ method: String) -> [Double]? {
                runs.last { $0.method == method && $0.support == run.support }?.queries.areas
            }
            let own = run.queries.areas
            let gains = run.calibrated.map { zip(generalLosses, $0).map { $0 - $1.meanLoss } }
            return Row(
                method: run.method, hasSteps: run.hasSteps, steps: run.steps, support: run.support,
                areaUnderCurve: bootstrap.interval(own),
                productOver: bootstrap.interval(zip(areas("product") ?? own, own).map(-)),
                overRidge: bootstrap.interval(zip(own, areas("ridge") ?? own).map(-)),
                gain: gains.map(Gain.init), setting: run.setting,
                isSettingAtEdge: run.isSettingAtEdge, microsecondsPerUser: run.secondsPerUser * 1e6)
        }

        /// The fewest steps after which a method's mean over support sizes is the ridge's or better.
        private func targets(_ rows: [Row]) -> [Target] {
            var methods: [String] = []
            for row in rows where row.hasSteps && !methods.contains(row.method) { methods.append(row.method) }
            return methods.map { method in
                let reached = stepCounts.first { count in
                    let own = rows.filter { $0.method == method && $0.steps == count }
                    return !own.isEmpty && own.reduce(0) { $0 + $1.overRidge.mean } >= 0
                }
                let own = rows.filter { $0.method == method && $0.steps == reached }
                let time = own.reduce(0) { $0 + $1.microsecondsPerUser } / Double(max(1, own.count))
                return Target(method: method, steps: reached, microsecondsPerUser: reached.map { _ in time })
            }
        }

        private func figures(_ tables: Tables) -> [String: Double] {
            var figures: [String: Double] = [:]
            for row in tables.curve {
                for count in row.hasSteps ? [row.steps] : stepCounts {
                    figures["curve.\(row.method).k\(count).s\(row.support)"] = row.areaUnderCurve.mean
                }
                guard row.method == "product", row.steps == stepCounts.last, let gain = row.gain else { continue }
                figures["curve.gain_p5.s\(row.support)"] = gain.low
                figures["curve.gain_p50.s\(row.support)"] = gain.median
                figures["curve.gain_p95.s\(row.support)"] = gain.high
            }
            for target in tables.targets {
                figures["curve.steps_to_target.\(target.method)"] = target.steps.map { Double($0) }
                figures["curve.microseconds_to_target.\(target.method)"] = target.microsecondsPerUser
            }
            for row in tables.membership {
                let whose = row.method == "product" ? "" : ".\(row.method)"
                figures["curve.membership_auc\(whose).s\(row.support)"] = row.areaUnderCurve.mean
            }
            return figures
        }
    }
}
