public import Model
import Tensor

/// A decoder with users' adapters: what their texts cost a token, and the gradients of their adapters.
///
/// One thread at a time.
public struct AdaptedDecoder: Sendable {
    /// The users' parameters and gradients.
    public private(set) var bank: AdapterBank
    private var pass: TransformerPass
    /// Scores of the rows that are computed together.
    private let logits: MatrixView

    /// Rows whose scores are computed together: their logits stay in the cache of a core for small vocabularies.
    private static let scoredRows = 64

    /// Allocates what batches of at most `tokens` tokens of `users` users need.
    ///
    /// - Parameter longest: tokens of the longest sequence.
    public init(_ transformer: Transformer, _ plan: AdapterPlan, users: Int, tokens: Int, longest: Int) {
        bank = AdapterBank(plan, users: users)
        pass = TransformerPass(
            transformer, tokens: tokens, longest: longest, sites: plan.savedColumns, gradients: true)
        logits = MatrixView(rows: min(Self.scoredRows, tokens), columns: transformer.configuration.vocabularySize)
    }

    /// Each user's mean loss a predicted token, in nats, and the gradients in ``AdapterBank/gradients``, overwritten.
    ///
    /// - Parameters:
    ///   - sequences: a user's side by side; each token is predicted from those before it, a sequence's first only where
    ///     virtual tokens stand before it.
    ///   - sequencesOfUsers: `[users + 1]`, ascending from 0.
    public mutating func lossesAndGradients(_ sequences: [[Int32]], sequencesOfUsers: [Int]) -> [Float] {
        bank.gradients.fill(0)
        let run = Run(sequences, predicted: nil, sequencesOfUsers, virtualTokens: bank.plan.virtualTokens)
        let losses = run.means(costs(run, sequencesOfUsers, withGradients: true))
        pass.backward(bank)
        return losses
    }

    /// The losses alone.
    public mutating func losses(_ sequences: [[Int32]], sequencesOfUsers: [Int]) -> [Float] {
        let run = Run(sequences, predicted: nil, sequencesOfUsers, virtualTokens: bank.plan.virtualTokens)
        return run.means(costs(run, sequencesOfUsers, withGradients: false))
    }

    /// What each predicted token costs, in nats, sequence after sequence.
    ///
    /// - Parameters:
    ///   - sequences: a user's side by side.
    ///   - predicted: which of a sequence's tokens are predicted, each from all those before it; none is a first token.
    ///   - sequencesOfUsers: `[users + 1]`, ascending from 0.
    public mutating func tokenLosses(
        _ sequences: [[Int32]], predicted: [Range<Int>], sequencesOfUsers: [Int]
    ) -> [Float] {
        let run = Run(
            sequences, predicted: predicted, sequencesOfUsers, virtualTokens: bank.plan.virtualTokens)
        return costs(run, sequencesOfUsers, withGradients: false)
    }

    private mutating func costs(_ run: Run, _ sequencesOfUsers: [Int], withGradients: Bool) -> [Float] {
        bank.textsOfUsers = sequencesOfUsers
        pass.run(run.batch, bank)
        return score(run.targets, run.weights, withGradients: withGradients)
    }

    /// The cost of each target, and the gradient at the transformer's output where it is wanted.
    private func score(_ targets: [Int32], _ weights: [Float], withGradients: Bool) -> [Float] {
        var costs: [Float] = []
        costs.reserveCapacity(targets.count)
        for start in stride(from: 0, to: targets.count, by: Self.scoredRows) {
            let part = start..<min(start + Self.scoredRows, targets.count)
            let scores = logits.rows(0..<part.count)
            pass.transformer.score(pass.output.rows(part), into: scores)
            if withGradients {
                costs += crossEntropyGradient(scores, targets: targets[part], weights: weights[part])
                pass.transformer.scoreGradient(scores, into: pass.outputGradient.rows(part))
            } else {
                costs += crossEntropies(scores, targets: targets[part])
            }
        }
        return costs
    }
}

/// Sequences as one batch, and what is predicted of them.
private struct Run {
    var batch = PackedBatch()
    /// `[predicted tokens]`.
    var targets: [Int32] = []
    /// Each target's share of its user's mean, `[predicted tokens]`.
    var weights: [Float] = []
    /// Predicted tokens of each user.
    var counts: [Int] = []

    /// - Parameter predicted: nil: all tokens, each sequence's first only where virtual tokens stand before it.
    init(_ sequences: [[Int32]], predicted: [Range<Int>]?, _ sequencesOfUsers: [Int], virtualTokens: Int) {
        precondition(predicted.map { $0.count == sequences.count } ?? true, "a range a sequence")
        for texts in zip(sequencesOfUsers, sequencesOfUsers.dropFirst()) {
            let before = targets.count
            for index in texts.0..<texts.1 {
                let sequence = sequences[index]
                let own = predicted?[index] ?? min(virtualTokens > 0 ? 0 : 1, sequence.count)..<sequence.count
                // A token is predicted by the row before it.
                let (first, end) = (virtualTokens + own.lowerBound, virtualTokens + own.upperBound)
                precondition(own.isEmpty || first > 0, "nothing is before a first token")
                batch.append(sequence, reading: max(first, 1) - 1..<max(end, 1) - 1, virtualTokens: virtualTokens)
                targets += sequence[own]
            }
            let count = targets.count - before
            counts.append(count)
            weights += [Float](repeating: 1 / Float(max(count, 1)), count: count)
        }
    }

    /// Each user's mean of the costs.
    func means(_ costs: [Float]) -> [Float] {
        var first = 0
        return counts.map { count in
            defer { first += count }
            return costs[first..<first + count].reduce(0, +) / Float(max(count, 1))
        }
    }
}
