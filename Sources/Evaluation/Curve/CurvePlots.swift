import Foundation

extension CurveReport {
    /// Quality by the number of steps, one panel a support size.
    public var qualityPlot: String {
        let sizes = Set(tables.curve.map(\.support)).sorted()
        // Steps stand at even distances: most of what happens, happens at few.
        let counts = Set(tables.curve.filter(\.hasSteps).map(\.steps)).sorted()
        let order = Self.plotted.filter { name in tables.curve.contains { $0.method == name.method } }
        let series = order.map { name in
            SVGPlot.Series(
                name: name.label,
                points: sizes.map { size in
                    let own = tables.curve.filter { $0.method == name.method && $0.support == size }
                    return counts.enumerated().compactMap { place, count in
                        own.first { $0.steps == count || !$0.hasSteps }.map {
                            SVGPlot.Point(x: Double(place), y: $0.areaUnderCurve.mean)
                        }
                    }
                },
                style: name.method == "product"
                    ? .emphasised : Self.isLevel(tables.curve, name.method) ? .level : .curve)
        }
        return SVGPlot(
            title: "Quality by inner steps, mean AUC of \(config.scoredUsers) users",
            horizontal: "inner steps K", vertical: "AUC", panels: sizes.map { "S = \($0) examples" },
            ticks: counts.enumerated().map { SVGPlot.Tick(x: Double($0.offset), label: "\($0.element)") },
            series: series
        ).text
    }

    private static func isLevel(_ rows: [Row], _ method: String) -> Bool {
        rows.contains { $0.method == method && !$0.hasSteps }
    }

    /// What is drawn, in the legend's order; starts at random and from zero, and controls, stand in the tables.
    private static let plotted: [(method: String, label: String)] = [
        ("product", "product, its own steps"), ("rule", "rule learned for K steps"), ("maml", "MAML"),
        ("fomaml", "FOMAML"), ("reptile", "Reptile"), ("multi_step", "multi-step MAML"),
        ("meta_sgd_rows", "Meta-SGD, rate a row"),
        ("learned_optimizer", "learned optimiser"), ("basis", "start from context"),
        ("adam_global", "Adam, tuned"), ("sgd_global", "SGD, tuned"), ("hypernetwork", "hypernetwork, no steps"),
        ("ridge", "ridge, solved"), ("logistic", "logistic, solved"), ("knn", "nearest neighbours"),
        ("global_head", "one head for everyone"),
    ]
}
