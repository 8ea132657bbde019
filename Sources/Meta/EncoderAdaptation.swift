public import Adapters
import Model
public import Tensor

/// The inner loop inside an encoder: one user's adapters and head, over prefixes that all users share.
///
/// One thread at a time: its buffers are shared by copies of it.
public struct EncoderAdaptation: Sendable {
    private var texts: EncoderTexts
    private let prefixes: FrozenPrefixes?
    private var encoder: AdaptedEncoder
    /// The mean gradient of all parts of a support, `[1, plan.parameterCount]`.
    private let gradient: MatrixView
    private let moments: (first: MatrixView, second: MatrixView)
    /// What each parameter's gradient is multiplied by, `[1, plan.parameterCount]`: zero where the user does not move.
    private let mask: MatrixView
    /// Texts and tokens that are computed together at most: a block's buffers stay in the cache of a core.
    private static let (partTexts, partTokens) = (64, 512)
    private let partTokens: Int

    /// Allocates buffers that do not grow with a user's texts.
    ///
    /// - Parameters:
    ///   - plan: with a head.
    ///   - longestTokens: of a text that it will meet; the longest of `texts` unless given.
    public init(_ texts: EncoderTexts, _ plan: AdapterPlan, longestTokens: Int? = nil) {
        let longest = longestTokens ?? texts.sequences.reduce(2) { max($0, $1.count) }
        self.texts = texts
        partTokens = max(Self.partTokens, longest)
        prefixes = texts.prefixes(before: plan.cut)
        encoder = AdaptedEncoder(
            texts.transformer, plan, users: 1, texts: Self.partTexts, tokens: partTokens, longest: longest)
        func row() -> MatrixView { MatrixView(rows: 1, columns: plan.parameterCount) }
        (gradient, moments, mask) = (row(), (row(), row()), row())
    }

    /// Goes on with other texts of the same encoder and cache: who adapts users all day allocates once.
    public mutating func read(_ texts: EncoderTexts) {
        Swift.precondition(texts.transformer === self.texts.transformer, "texts of another encoder")
        self.texts = texts
    }

    /// The user's row of the plan, `[1, plan.parameterCount]`, which the next user overwrites.
    public var parameters: MatrixView { encoder.bank.parameters }

    /// Adapts from a rule's start by its steps.
    ///
    /// Where the rule has a budget of entries, they are chosen before the last step: those that have moved farthest
    /// (``SparseDelta/keepLargest(_:of:)``); the others return to the start and stay there.
    ///
    /// - Parameters:
    ///   - support: of distinct texts' numbers; an empty one leaves the start.
    ///   - mask: `[plan.parameterCount]`, what gradients are multiplied by: zero where the user stays at the start; all ones
    ///     unless given.
    ///   - observe: sees what each step is along, before it is taken.
    public mutating func adapt(
        to support: UserSupport, with rule: EncoderRule, mask given: [Float]? = nil,
        observe: (MatrixView) -> Void = { _ in }
    ) {
        parameters.copy(rule.start.span)
        guard support.count > 0 else { return }
        if let given { mask.copy(given.span) } else { mask.fill(1) }
        let ranges = rule.plan.tensorRanges
        for step in rule.logRates.indices {
            _ = meanGradient(of: support)
            precondition(gradient.columns(ranges[ranges.count - 2]), rule.preconditioner)
            multiplyColumns(gradient, by: mask, into: gradient)
            observe(gradient)
            for (range, rate) in zip(ranges, rule.rates(step: step, examples: support.count)) {
                add(gradient.columns(range), to: parameters.columns(range), scale: -rate)
            }
            if step == max(0, rule.logRates.count - 2) { keepBudget(of: rule) }
        }
    }

    /// Zeroes what a rule's budget leaves out of the movement, and of ``mask``.
    private func keepBudget(of rule: EncoderRule) {
        guard let budget = rule.entryBudget else { return }
        for range in rule.plan.sparseRanges {
            let (own, start) = (parameters.columns(range), rule.start[range])
            let moved = zip(own.values, start).map(-)
            let kept = SparseDelta.largest(budget, of: moved)
            for (index, value) in start.enumerated() where !kept[index] {
                own[0, index] = value
                mask[0, range.lowerBound + index] = 0
            }
        }
    }

    /// What the last adaptation's gradients were multiplied by in its last step, `[plan.parameterCount]`.
    package var lastMask: [Float] { mask.values }

    private func precondition(_ headGradient: MatrixView, _ preconditioner: Preconditioner) {
        let row = Matrix(rows: 1, columns: headGradient.columns, values: headGradient.values)
        let moved = preconditioner.expand(preconditioner.project(row))
        headGradient.copy(moved.values.span)
    }

    /// Adapts from a start by AdamW over batches in turn, as fine-tuning does it.
    ///
    /// - Parameters:
    ///   - start: `[plan.parameterCount]`.
    ///   - batch: examples of a step.
    public mutating func adapt(
        to support: UserSupport, from start: [Float], steps: Int, batch: Int, _ settings: AdamWSettings
    ) {
        parameters.copy(start.span)
        guard support.count > 0 else { return }
        moments.first.fill(0)
        moments.second.fill(0)
        for step in 0..<steps {
            let examples = (0..<min(batch, support.count)).map { (step * batch + $0) % support.count }
            _ = meanGradient(
                of: UserSupport(rows: examples.map { support.rows[$0] }, labels: examples.map { support.labels[$0] }))
            adamWStep(
                parameters, gradient: gradient, first: moments.first, second: moments.second, step: step + 1, settings)
        }
    }

    /// The mean loss of examples under the user's parameters, in nats, and its gradient, which the next call overwrites.
    package mutating func meanGradient(of examples: UserSupport) -> (loss: Float, gradient: MatrixView) {
        var loss: Float = 0
        let gradient = gradient
        gradient.fill(0)
        eachPart(of: examples.rows) { encoder, batch, range, cut in
            let share = Float(range.count) / Float(examples.count)
            loss +=
                share
                * encoder.lossesAndGradients(
                    batch, textsOfUsers: [0, batch.count], targets: Array(examples.labels[range]), from: cut)[0]
            add(encoder.bank.gradients, to: gradient, scale: share)
        }
        return (loss, gradient)
    }

    /// The gradient of an objective of examples under the user's parameters, which the next call overwrites.
    package mutating func gradient(of examples: UserSupport, _ objective: OuterObjective) -> MatrixView {
        // What an example's score is pulled by depends on all others', wherever they are computed.
        let pulls = objective.evaluate(logits: logits(of: examples.rows)[...], labels: examples.labels[...]).gradient
        let gradient = gradient
        gradient.fill(0)
        eachPart(of: examples.rows) { encoder, batch, range, cut in
            encoder.gradients(batch, textsOfUsers: [0, batch.count], pulls: Array(pulls[range]), from: cut)
            add(encoder.bank.gradients, to: gradient)
        }
        return gradient
    }

    /// The scores of texts under the user's parameters.
    public mutating func logits(of rows: [Int32]) -> [Float] {
        var logits: [Float] = []
        eachPart(of: rows) { encoder, batch, _, cut in
            logits += encoder.scores(batch, textsOfUsers: [0, batch.count], from: cut).values
        }
        return logits
    }

    private mutating func eachPart(
        of rows: [Int32], _ body: (inout AdaptedEncoder, PackedBatch, Range<Int>, Cut) -> Void
    ) {
        var first = 0
        while first < rows.count {
            var batch = PackedBatch()
            for row in rows[first...].prefix(Self.partTexts) {
                let sequence = texts.sequences[Int(row)]
                guard batch.tokens.count + sequence.count <= partTokens else { break }
                batch.append(sequence)
            }
            let range = first..<first + batch.count
            if let prefixes {
                texts.load(
                    rows[range], from: prefixes, into: encoder.frozenRows(count: batch.tokens.count))
            }
            body(&encoder, batch, range, prefixes == nil ? .tokens : encoder.bank.plan.cut)
            first = range.upperBound
        }
    }
}
