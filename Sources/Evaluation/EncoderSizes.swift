import Adapters
import Meta
import Model
import Tensor

extension EncoderReport {
    /// What users of sparse deltas store, at one support size.
    public struct Size: Sendable, Equatable, Codable {
        /// Entries of the shared support, and those a user keeps.
        public var (entries, kept): (Int, Int)
        /// Bits of an entry's and of a head's value.
        public var (entryBits, headBits): (Int, Int)
        /// Support size.
        public var support: Int
        /// Mean stored bytes a user, everything included.
        public var bytes: Double
        /// Mean AUC over users, read back from what is stored.
        public var areaUnderCurve: Interval
        /// What is lost of the AUC of LoRA r = 8 in f16 at the same sites, as a share of it.
        public var loss: Interval
    }
}

/// Quality by stored bytes of sparse deltas.
struct EncoderSizes {
    /// How much of the entries is kept, and in how many bits.
    private typealias Setting = (share: Double, entries: SparseUserDelta.Precision, head: SparseUserDelta.Precision)

    /// The first is what the figures are of.
    private static let settings: [Setting] = [
        (1 / 4, .int8, .int8), (1, .int8, .int8), (1, .int4, .int8), (1 / 4, .int4, .int4), (1 / 16, .int8, .int8),
        (0, .int8, .int8), (0, .int8, .int4),
    ]

    let scored: [MetaUser]
    let bootstrap: Bootstrap

    /// The table, and the figures of its first setting.
    ///
    /// - Parameters:
    ///   - rule: with sparse deltas.
    ///   - lanes: of its plan.
    ///   - rival: LoRA's AUC of each user, by support size.
    func table(
        _ rule: EncoderRule, _ lanes: [EncoderAdaptation], rivalBytes: Int, rival: [Int: [Double]]
    ) -> (rows: [EncoderReport.Size], figures: [String: Double]) {
        var rows: [EncoderReport.Size] = []
        var figures = ["size.encoder.lora8_f16_bytes": Double(rivalBytes)]
        for (index, setting) in Self.settings.enumerated() {
            for size in ScoringProtocol.supportSizes {
                guard let areas = rival[size] else { continue }
                let row = row(setting, size, rule, lanes, areas)
                rows.append(row)
                guard index == 0 else { continue }
                figures["size.encoder.auc.s\(size)"] = row.areaUnderCurve.mean
                figures["size.encoder.loss.s\(size)"] = row.loss.mean
                figures["size.encoder.loss_upper.s\(size)"] = row.loss.high
                figures["size.encoder.bytes_per_user"] = row.bytes
                figures["size.encoder.ratio_to_lora8_f16"] = Double(rivalBytes) / row.bytes
            }
        }
        return (rows, figures)
    }

    private func row(
        _ setting: Setting, _ size: Int, _ rule: EncoderRule, _ lanes: [EncoderAdaptation], _ rival: [Double]
    ) -> EncoderReport.Size {
        let entries = rule.plan.sparseRanges.reduce(0) { $0 + $1.count }
        var rule = rule
        rule.entryBudget = setting.share < 1 ? Int(setting.share * Double(entries)) : nil
        let kept = rule.entryBudget.map { $0 * rule.plan.sparseRanges.count } ?? entries
        // A mask of nothing needs no bit an entry.
        let groups: EntryGroups =
            kept == 0 ? .init(count: 1, groupOfEntry: Array(repeating: 0, count: entries)) : .single(entries)
        let shape = rule.plan.deltaShape(groups)
        let stored = inParallel(scored, lanes) { [rule] user, adaptation in
            adaptation.adapt(to: user.support(size), with: rule)
            let mask = kept == 0 ? [false] : adaptation.keptEntries(of: rule)
            let delta = adaptation.delta(from: rule, kept: mask, (setting.entries, setting.head), shape)
            return adaptation.score(user, delta, with: rule)
        }
        let areas = stored.map(\.query).areas
        let mean = rival.reduce(0, +) / Double(max(rival.count, 1))
        return EncoderReport.Size(
            entries: entries, kept: kept, entryBits: Int(setting.entries.rawValue),
            headBits: Int(setting.head.rawValue), support: size,
            bytes: Double(stored.reduce(0) { $0 + $1.bytes }) / Double(max(stored.count, 1)),
            areaUnderCurve: bootstrap.interval(areas),
            loss: bootstrap.interval(zip(rival, areas).map { ($0 - $1) / mean }))
    }
}

extension EncoderAdaptation {
    /// Scores a user as who stored a delta; a user whose delta is none, because a number was not finite, stores nothing and is
    /// scored at the start.
    mutating func score(
        _ user: MetaUser, _ delta: SparseUserDelta?, with rule: EncoderRule
    ) -> (query: ScoredQuery, bytes: Int) {
        if let delta {
            restore(delta, with: rule)
        } else {
            adapt(to: UserSupport(rows: [], labels: []), with: rule)
        }
        let query = user.query
        return (ScoredQuery(logits: logits(of: query.rows), labels: query.labels), delta?.encoded().count ?? 0)
    }
}
