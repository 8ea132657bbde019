import Meta

/// What `attune eval size` prints: figures by their stable names, and the curve behind them.
public struct SizeReport: Sendable, Equatable, Codable {
    /// What was run.
    public struct Configuration: Sendable, Equatable, Codable {
        /// Users the recipe and the basis were learned on.
        public var trainingUsers: Int
        /// Users scored.
        public var scoredUsers: Int
        /// The form that the recipe stores.
        public var shipped: String
        /// Features of the head.
        public var width: Int
        /// Seeds the bootstrap.
        public var seed: UInt64
    }

    /// One form of what is stored.
    public struct Row: Sendable, Equatable, Codable {
        /// `full.f32`, `full.f16`, `rowsK.int8`, `basisB.int8`, `basisB.int4`, or `shipped`; inside the encoder `loraR.f16`,
        /// `bottleneckW.int8`, `sparseE.int4` and the like.
        public var form: String
        /// Numbers stored, besides scale and bias.
        public var values: Int
        /// Bytes of packs a user: header, frames, index and trailer. Inside the encoder of what ``EncoderForms`` says.
        public var bytesPerUser: Double
        /// Mean AUC over users, by support size.
        public var areaUnderCurve: [Int: Interval]
        /// The share of the full head's gain of AUC over the head for everyone, all support sizes together.
        public var gainKept: Interval
        /// The same by support size.
        public var gainKeptBySize: [Int: Interval]
        /// What rounding changes of a user's query loss, relative: the median over users and support sizes.
        public var roundingLossMedian: Double
        /// The same: the 99 % quantile.
        public var roundingLoss99: Double
        /// Whether rounding is accepted: at most .005 at the median and .02 at the 99 % quantile (ALGORITHMS 6).
        public var isRoundingAccepted: Bool
    }

    /// The tables.
    public struct Tables: Sendable, Equatable, Codable {
        /// Form by form, the shipped one last.
        public var size: [Row]
    }

    /// What was run.
    public var config: Configuration
    /// Stable name to number.
    public var figures: [String: Double]
    /// What is behind them.
    public var tables: Tables

    /// One form's scores at one support size.
    struct Scores {
        var support: Int
        var stored: [ScoredQuery]
        var unrounded: [ScoredQuery]
    }

    /// Collects forms; the first is the one whose gain the others' is a share of.
    struct Builder {
        private let bootstrap: Bootstrap
        /// Each user's AUC under the head for everyone.
        private let base: [Double]
        /// Each user's gain in full, by support size.
        private var gains: [Int: [Double]] = [:]
        private var rows: [Row] = []

        init(users: Int, seed: UInt64, base: [Double]) {
            bootstrap = Bootstrap(users: users, seed: seed)
            self.base = base
        }

        mutating func add(_ form: String, values: Int, bytesPerUser: Double, _ sizes: [Scores]) {
            let areas = Dictionary(uniqueKeysWithValues: sizes.map { ($0.support, $0.stored.areas) })
            let own = areas.mapValues { zip($0, base).map(-) }
            if gains.isEmpty { gains = own }
            let changes = sizes.flatMap { zip($0.stored, $0.unrounded) }.map { stored, exact in
                abs(stored.meanLoss - exact.meanLoss) / max(exact.meanLoss, 1e-9)
            }.sorted()
            func quantile(_ share: Double) -> Double {
                changes.isEmpty ? 0 : changes[min(changes.count - 1, Int(share * Double(changes.count)))]
            }
            rows.append(
                Row(
                    form: form, values: values, bytesPerUser: bytesPerUser,
                    areaUnderCurve: areas.mapValues(bootstrap.interval),
                    gainKept: bootstrap.ratio(Self.sums(own), to: Self.sums(gains)),
                    gainKeptBySize: own.reduce(into: [:]) {
                        $0[$1.key] = bootstrap.ratio($1.value, to: gains[$1.key] ?? [])
                    }, roundingLossMedian: quantile(0.5), roundingLoss99: quantile(0.99),
                    isRoundingAccepted: quantile(0.5) <= 0.005 && quantile(0.99) <= 0.02))
        }

        /// Adds an adapter inside the encoder.
        mutating func add(_ form: EncoderForms.Scored) {
            add(form.name, values: form.values, bytesPerUser: form.bytesPerUser, form.sizes)
        }

        /// Each user's sum over support sizes.
        private static func sums(_ bySize: [Int: [Double]]) -> [Double] {
            let lists = bySize.sorted { $0.key < $1.key }.map(\.value)
            return (lists.first ?? []).indices.map { user in lists.reduce(0) { $0 + $1[user] } }
        }

        func report(_ config: Configuration) -> SizeReport {
            var figures: [String: Double] = [:]
            if let shipped = rows.last {
                figures["size.bytes_per_user"] = shipped.bytesPerUser
                figures["size.gain_kept"] = shipped.gainKept.mean
                figures["size.gain_kept_lower"] = shipped.gainKept.low
                figures["size.rounding_loss_median"] = shipped.roundingLossMedian
                figures["size.rounding_loss_p99"] = shipped.roundingLoss99
                for (size, kept) in shipped.gainKeptBySize {
                    figures["size.gain_kept.s\(size)"] = kept.mean
                    figures["size.gain_kept_lower.s\(size)"] = kept.low
                }
                if let half = rows.first(where: { $0.form == "full.f16" }) {
                    figures["size.ratio_to_dense_f16_head"] = half.bytesPerUser / shipped.bytesPerUser
                }
            }
            return SizeReport(config: config, figures: figures, tables: Tables(size: rows))
        }
    }
}
