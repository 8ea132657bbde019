package import Adapters
package import Meta
import Model
import Tensor

/// Adapters inside an encoder by what a user of them stores: kinds of several sizes at one site, each from a start and by rates learned
/// across users, their differences to that start in f16, int8 and int4.
///
/// Of sparse deltas the bytes are those of the encoded delta; of the others, which no job stores, values and scales alone.
package struct EncoderForms {
    /// How a difference is stored.
    package enum Precision: String, CaseIterable, Sendable {
        case f16
        case int8
        case int4

        /// Nil where values are no whole numbers.
        fileprivate var whole: SparseUserDelta.Precision? {
            switch self {
            case .f16: nil
            case .int8: .int8
            case .int4: .int4
            }
        }
        fileprivate var bits: Int { whole.map { Int($0.rawValue) } ?? 16 }
    }

    /// One kind as users store it.
    package struct Scored {
        package var name: String
        /// Numbers stored, scales apart.
        package var values: Int
        package var bytesPerUser: Double
        var sizes: [SizeReport.Scores]
    }

    private let population: MetaPopulation
    private let texts: EncoderTexts
    private let outer: EncoderOuterSettings
    private let threads: Int
    private let scored: [MetaUser]
    private let training: [MetaUser]

    /// - Parameter texts: those of the population's rows, in their order.
    package init(_ population: MetaPopulation, _ texts: EncoderTexts, outer: EncoderOuterSettings, threads: Int) {
        precondition(texts.sequences.count == population.features.rows, "a text a row")
        (self.population, self.texts, self.outer, self.threads) = (population, texts, outer, threads)
        let split = population.split()
        (training, scored) = (split.training.users, split.validation.users)
    }

    /// Ranks of LoRA.
    private static let ranks = [1, 2, 4, 8]
    /// Widths of bottlenecks.
    private static let widths = [4, 16]

    /// Learns and scores every kind.
    ///
    /// - Parameters:
    ///   - rule: of the pooled site, learned on the same meta-train users.
    ///   - sparse: a plan of one sparse delta; its site is everybody's.
    ///   - kept: entries of it that a user stores.
    package func run(
        from rule: PreconditionedRule, sparse: AdapterPlan, kept: Int, progress: (String, OuterProgress) throws -> Void
    ) throws -> [Scored] {
        let site = sparse.slots[0].site
        func plan(_ kind: any AdapterKind) -> AdapterPlan {
            AdapterPlan(texts.transformer.configuration, [site: kind], head: .binary)
        }
        var all: [Scored] = []
        let kinds =
            Self.ranks.map { ("lora\($0)", plan(LoRA(rank: $0, alpha: 2 * Float($0)))) }
            + Self.widths.map { ("bottleneck\($0)", plan(Bottleneck.pfeiffer(width: $0))) }
        for (name, plan) in kinds {
            let learned = try EncoderOuterLoop(texts, training, outer, threads: threads)
                .learn(from: rule, plan) { try progress(name, $0) }
            all += dense(name, learned)
        }
        var budgeted = outer
        budgeted.entryBudget = kept
        let learned = try EncoderOuterLoop(texts, training, budgeted, threads: threads)
            .learn(from: rule, sparse) { try progress("sparse", $0) }
        return all + self.sparse(learned)
    }

    /// A kind all of whose parameters are stored, in every precision.
    private func dense(_ name: String, _ rule: EncoderRule) -> [Scored] {
        let lanes = (0..<threads).map { _ in EncoderAdaptation(texts, rule.plan) }
        let vectors = rule.plan.roundedVectors
        let count = rule.plan.parameterCount
        let bySize = ScoringProtocol.supportSizes.map { size in
            inParallel(scored, lanes) { user, adaptation -> [ScoredQuery] in
                adaptation.adapt(to: user.support(size), with: rule)
                let exact = adaptation.parameters.values
                let stored = Precision.allCases.map { precision -> [Float] in
                    let moved = zip(exact, rule.start).map(-)
                    // Whose numbers are not finite stores nothing and is scored at the start, as with sparse deltas.
                    return Self.rounded(moved, vectors, precision).map { zip(rule.start, $0).map(+) } ?? rule.start
                }
                return ([exact] + stored).map { values in
                    adaptation.parameters.copy(values.span)
                    return ScoredQuery(logits: adaptation.logits(of: user.query.rows), labels: user.query.labels)
                }
            }
        }
        return Precision.allCases.enumerated().map { index, precision in
            let scales = precision == .f16 ? 0 : 4 * vectors.count
            return Scored(
                name: "\(name).\(precision.rawValue)", values: count,
                bytesPerUser: Double((count * precision.bits + 7) / 8 + scales),
                sizes: zip(ScoringProtocol.supportSizes, bySize).map { size, users in
                    .init(support: size, stored: users.map { $0[index + 1] }, unrounded: users.map { $0[0] })
                })
        }
    }

    /// Sparse deltas, entries and head in int8 and in int4.
    private func sparse(_ rule: EncoderRule) -> [Scored] {
        let lanes = (0..<threads).map { _ in EncoderAdaptation(texts, rule.plan) }
        let entries = rule.plan.sparseRanges.reduce(0) { $0 + $1.count }
        let shape = rule.plan.deltaShape(.single(entries))
        return SparseUserDelta.Precision.allCases.map { precision in
            var bytes = 0
            let sizes = ScoringProtocol.supportSizes.map { size -> SizeReport.Scores in
                let users = inParallel(scored, lanes) { user, adaptation -> (ScoredQuery, ScoredQuery, Int) in
                    adaptation.adapt(to: user.support(size), with: rule)
                    let exact = ScoredQuery(
                        logits: adaptation.logits(of: user.query.rows), labels: user.query.labels)
                    let delta = adaptation.delta(
                        from: rule, kept: adaptation.keptEntries(of: rule), (precision, precision), shape)
                    let stored = adaptation.score(user, delta, with: rule)
                    return (stored.query, exact, stored.bytes)
                }
                bytes += users.reduce(0) { $0 + $1.2 }
                return .init(support: size, stored: users.map(\.0), unrounded: users.map(\.1))
            }
            return Scored(
                name: "sparse\(entries).int\(precision.rawValue)", values: rule.entryBudget ?? entries,
                bytesPerUser: Double(bytes) / Double(max(scored.count * sizes.count, 1)), sizes: sizes)
        }
    }

    /// Differences as their stored form gives them: halves, or whole numbers with one scale a vector, rounded as sparse deltas are;
    /// nil where a number is not finite.
    package static func rounded(_ values: [Float], _ vectors: [[Int]], _ precision: Precision) -> [Float]? {
        var rounded = values.map { Float(Float16($0)) }
        guard let whole = precision.whole else { return rounded.allSatisfy(\.isFinite) ? rounded : nil }
        for vector in vectors {
            guard let own = SparseUserDelta.round(vector.map { values[$0] }, whole) else { return nil }
            for (index, steps) in zip(vector, own.values) { rounded[index] = Float(steps) * own.scale }
        }
        return rounded
    }
}

extension AdapterPlan {
    /// The places in a user's row that share a scale where values are rounded: a tensor's rows or its columns, whichever are fewer, so
    /// that a rank or a channel of a bottleneck has one.
    package var roundedVectors: [[Int]] {
        let tensors = slots.flatMap { slot in zip(slot.parameters, slot.offsets).map { ($0.rows, $0.columns, $1) } }
        let used = tensors.reduce(0) { $0 + $1.0 * $1.1 }
        let outputs = head?.outputs ?? 0
        let all = tensors + [(outputs, configuration.width, used), (1, outputs, used + outputs * configuration.width)]
        return all.filter { $0.0 * $0.1 > 0 }.flatMap { rows, columns, offset in
            rows <= columns
                ? (0..<rows).map { row in (0..<columns).map { offset + row * columns + $0 } }
                : (0..<columns).map { column in (0..<rows).map { offset + $0 * columns + column } }
        }
    }
}
