public import Model
public import Tensor

/// An encoder with users' adapters: losses of their heads over the pooled output, and the gradients of all they own.
///
/// One thread at a time; nothing is allocated from batch to batch but the lists that describe it.
public struct AdaptedEncoder: Sendable {
    /// The users' parameters and gradients.
    public private(set) var bank: AdapterBank
    private var pass: TransformerPass
    private let pooled: PooledOutput
    private let scores: MatrixView
    private let gradient: MatrixView

    /// Allocates what batches of at most `tokens` tokens in `texts` texts of `users` users need.
    ///
    /// - Parameters:
    ///   - plan: with a head.
    ///   - longest: tokens of the longest text.
    public init(_ transformer: Transformer, _ plan: AdapterPlan, users: Int, texts: Int, tokens: Int, longest: Int) {
        guard let head = plan.head else { preconditionFailure("a plan without a head has no loss") }
        let sites = plan.savedColumns
        bank = AdapterBank(plan, users: users)
        pass = TransformerPass(
            transformer, tokens: tokens, longest: longest, sites: sites,
            gradients: plan.slots.contains { $0.site.place != .pooled })
        pooled = PooledOutput(transformer.configuration, texts: texts, sites: sites)
        scores = MatrixView(rows: texts, columns: head.outputs)
        gradient = MatrixView(rows: texts, columns: transformer.configuration.width)
    }

    /// Where rows of ``AdapterPlan/cut`` are to be put before a run from it.
    public func frozenRows(count: Int) -> [MatrixView] { pass.rows(at: bank.plan.cut, count: count) }

    /// Each user's mean loss over its texts, and the gradients in ``AdapterBank/gradients``, overwritten.
    ///
    /// - Parameters:
    ///   - batch: the texts, a user's side by side.
    ///   - textsOfUsers: `[users + 1]`, ascending from 0.
    ///   - targets: one a text, as the head's loss reads them.
    ///   - start: ``AdapterPlan/cut`` where ``frozenRows(count:)`` were filled in; otherwise from the tokens.
    public mutating func lossesAndGradients(
        _ batch: PackedBatch, textsOfUsers: [Int], targets: [Float], from start: Cut = .tokens
    ) -> [Float] {
        guard let loss = bank.plan.head else { preconditionFailure("a plan without a head has no loss") }
        return evaluate(batch, textsOfUsers, start) { loss.evaluate($0, targets: targets[$1]) }
    }

    /// The gradients in ``AdapterBank/gradients``, overwritten, of a loss whose gradient by each score is known: of one that is no
    /// sum over texts.
    ///
    /// - Parameters:
    ///   - pulls: the loss's gradient by each text's score, of a head of one.
    ///   - start: as for ``lossesAndGradients(_:textsOfUsers:targets:from:)``.
    public mutating func gradients(
        _ batch: PackedBatch, textsOfUsers: [Int], pulls: [Float], from start: Cut = .tokens
    ) {
        precondition(bank.plan.head?.outputs == 1 && pulls.count == batch.count, "a pull a text, of one score each")
        _ = evaluate(batch, textsOfUsers, start) { scores, texts in
            scores.copy(pulls[texts].span)
            return 0
        }
    }

    /// - Parameter loss: turns a user's scores into the loss's gradient at them, and says the loss.
    private mutating func evaluate(
        _ batch: PackedBatch, _ textsOfUsers: [Int], _ start: Cut, _ loss: (MatrixView, Range<Int>) -> Float
    ) -> [Float] {
        let features = run(batch, textsOfUsers, start)
        let gradients = gradient.rows(0..<batch.count)
        bank.gradients.fill(0)
        var losses: [Float] = []
        for (user, texts) in zip(textsOfUsers, textsOfUsers.dropFirst()).enumerated() {
            let texts = texts.0..<texts.1
            guard let head = bank.head(of: user), let headGradient = bank.headGradient(of: user) else { continue }
            let (own, dscores) = (features.rows(texts), scores.rows(texts))
            Self.score(own, head, into: dscores)
            losses.append(loss(dscores, texts))
            matmul(dscores, own, into: headGradient.weights, transposeA: true, beta: 1)
            addColumnSums(dscores, to: headGradient.bias)
            matmul(dscores, head.weights, into: gradients.rows(texts))
        }
        pooled.backward(gradients, pass, bank)
        if pass.hasGradients { pass.backward(bank) }
        return losses
    }

    /// The scores of each text under its user's adapters and head, `[texts, outputs]`; the next call overwrites them.
    public mutating func scores(_ batch: PackedBatch, textsOfUsers: [Int], from start: Cut = .tokens) -> MatrixView {
        let features = run(batch, textsOfUsers, start)
        for (user, texts) in zip(textsOfUsers, textsOfUsers.dropFirst()).enumerated() {
            guard let head = bank.head(of: user) else { continue }
            Self.score(features.rows(texts.0..<texts.1), head, into: scores.rows(texts.0..<texts.1))
        }
        return scores.rows(0..<batch.count)
    }

    private mutating func run(_ batch: PackedBatch, _ textsOfUsers: [Int], _ start: Cut) -> MatrixView {
        bank.textsOfUsers = textsOfUsers
        pass.run(batch, bank, from: start)
        return pooled.forward(pass, bank)
    }

    private static func score(
        _ features: MatrixView, _ head: (weights: MatrixView, bias: MatrixView), into scores: MatrixView
    ) {
        for row in 0..<scores.rows { scores.rows(row..<row + 1).copy(head.bias) }
        matmul(features, head.weights, into: scores, transposeB: true, beta: 1)
    }
}
