import Foundation

extension SizeReport {
    /// What is drawn and told together, by how its forms are named.
    private static let kinds: [(prefix: String, suffix: String, label: String)] = [
        ("full", "", "full head"), ("rows", "int8", "largest rows, int8"),
        ("basis", "int8", "shared basis, int8"), ("basis", "int4", "shared basis, int4"),
        ("lora", "f16", "LoRA in the encoder, f16"), ("lora", "int8", "LoRA, int8"), ("lora", "int4", "LoRA, int4"),
        ("bottleneck", "f16", "bottleneck, f16"), ("bottleneck", "int8", "bottleneck, int8"),
        ("bottleneck", "int4", "bottleneck, int4"), ("sparse", "", "sparse delta, int8 and int4"),
    ]

    private var sizes: [Int] { Set(tables.size.flatMap(\.areaUnderCurve.keys)).sorted() }

    /// Quality by stored bytes, one panel a support size.
    public var bytesPlot: String {
        let sizes = sizes
        let series = Self.kinds.compactMap { kind -> SVGPlot.Series? in
            let own = tables.size.filter { $0.form.hasPrefix(kind.prefix) && $0.form.hasSuffix(kind.suffix) }
                .sorted { $0.bytesPerUser < $1.bytesPerUser }
            guard !own.isEmpty else { return nil }
            return SVGPlot.Series(
                name: kind.label,
                points: sizes.map { size in
                    own.compactMap { row in
                        row.areaUnderCurve[size].map {
                            SVGPlot.Point(x: Foundation.log2(row.bytesPerUser), y: $0.mean)
                        }
                    }
                })
        }
        let logs = tables.size.map { Foundation.log2($0.bytesPerUser) }
        let (first, last) = (Int((logs.min() ?? 4).rounded(.down)), Int((logs.max() ?? 11).rounded(.up)))
        // Every power of two where there is room for its label, else every other.
        let step = last - first > 7 ? 2 : 1
        return SVGPlot(
            title: "Quality by stored bytes, mean AUC of \(config.scoredUsers) users",
            horizontal: "stored bytes a user", vertical: "AUC",
            panels: sizes.map { "S = \($0) examples" },
            ticks: stride(from: first, to: last + step, by: step).map {
                SVGPlot.Tick(x: Double($0), label: Self.label(bytes: 1 << $0))
            }, series: series
        ).text
    }

    private static func label(bytes: Int) -> String { bytes < 1024 ? "\(bytes)" : "\(bytes / 1024)k" }

    /// The table as Markdown, fewest bytes first.
    public var markdown: String {
        func score(_ value: Double?) -> String { value.map { String(format: "%.4f", $0) } ?? "" }
        let rows = tables.size.sorted { $0.bytesPerUser < $1.bytesPerUser }.map { row in
            [row.form, String(format: "%.1f", row.bytesPerUser)] + sizes.map { score(row.areaUnderCurve[$0]?.mean) } + [
                String(format: "%.3f [%.3f, %.3f]", row.gainKept.mean, row.gainKept.low, row.gainKept.high),
                String(format: "%.5f", row.roundingLossMedian), String(format: "%.5f", row.roundingLoss99),
            ]
        }
        return """
            # Quality by stored bytes

            Mean AUC over \(config.scoredUsers) users, learned on \(config.trainingUsers) others; seed \(config.seed). `shipped` is what jobs store. \
            Gain kept is the share of the full head's gain of AUC over the head for everyone, all support sizes together, with its 95 % \
            interval. Rounding is what it changes of a user's query loss, relative, at the median and the 99 % quantile.


            """
                + markdownTable(
                    ["form", "bytes a user"] + sizes.map { "S = \($0)" } + ["gain kept", "rounding", "99 %"], rows)
                + "\n"
    }
}
