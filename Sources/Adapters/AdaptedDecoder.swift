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
    ///   - sequences: a user's side by side; each token but a sequence's first is predicted from those before it.
    ///   - sequencesOfUsers: `[users + 1]`, ascending from 0.
    public mutating func lossesAndGradients(_ sequences: [[Int32]], sequencesOfUsers: [Int]) -> [Float] {
        bank.gradients.fill(0)
        let losses = run(sequences, sequencesOfUsers, withGradients: true)
        pass.backward(bank)
        return losses
    }

    /// The losses alone.
    public mutating func losses(_ sequences: [[Int32]], sequencesOfUsers: [Int]) -> [Float] {
        run(sequences, sequencesOfUsers, withGradients: false)
    }

    private mutating func run(
        _ sequences: [[Int32]], _ sequencesOfUsers: [Int], withGradients: Bool
    ) -> [Float] {
        var (batch, targets, weights): (PackedBatch, [Int32], [Float]) = (PackedBatch(), [], [])
        var predicted: [Int] = []
        for texts in zip(sequencesOfUsers, sequencesOfUsers.dropFirst()) {
            let own = sequences[texts.0..<texts.1]
            let count = own.reduce(0) { $0 + max($1.count - 1, 0) }
            predicted.append(count)
            for sequence in own {
                batch.append(sequence, reading: 0..<max(sequence.count - 1, 0))
                targets += sequence.dropFirst()
            }
            weights += [Float](repeating: 1 / Float(max(count, 1)), count: count)
        }
        bank.textsOfUsers = sequencesOfUsers
        pass.run(batch, bank)
        let costs = score(targets, weights, withGradients: withGradients)
        var first = 0
        return predicted.map { count in
            defer { first += count }
            return costs[first..<first + count].reduce(0, +) / Float(max(count, 1))
        }
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
