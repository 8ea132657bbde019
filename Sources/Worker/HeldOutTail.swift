package import Adapters
package import Meta
package import Recipe
package import Tensor

/// A user's examples, cut in two by time: what is adapted on, and the newest, which are only scored.
package struct HeldOutTail: Sendable, Equatable {
    /// What is adapted on; both classes are among it.
    package var support: UserSupport
    /// Rows of the scored examples.
    package var rows: [Int]
    /// Their labels.
    package var labels: [Float]

    /// Examples that are scored at most.
    static let longest = 32

    /// Holds out the newest quarter, at least two examples; nil where fewer than eight leave too little to adapt on, or
    /// what is left has one class only.
    package init?(_ whole: UserSupport, newest limit: Int) {
        let first = max(0, whole.count - limit)
        let count = whole.count - first
        guard count >= 8 else { return nil }
        let cut = whole.count - min(Self.longest, max(2, count / 4))
        let kept = Array(whole.labels[first..<cut])
        guard kept.contains(where: { $0 != kept[0] }) else { return nil }
        support = UserSupport(rows: Array(whole.rows[first..<cut]), labels: kept)
        rows = whole.rows[cut...].map { Int($0) }
        labels = Array(whole.labels[cut...])
    }

    /// What a user's held-out examples came to.
    package struct Outcome: Sendable {
        /// Their mean log loss, nats an example.
        package var loss: Double
        /// The head's difference that was fitted without them; nil: the guard kept the head for everyone, or the recipe adapts
        /// inside the encoder, of which there are no copies.
        package var delta: HeadDelta?
    }

    /// Adapts users on what was left of them and scores what was held out.
    ///
    /// A user whose adaptation the guard keeps is scored by the head for everyone, as they would be served.
    /// - Parameters:
    ///   - features: `[texts, width]`, of the recipe's base; the users' rows name its rows.
    ///   - starts: where users begin; they must not have seen what is held out.
    package static func outcomes(
        of users: [HeldOutTail], under recipe: Recipe, features: Matrix, from starts: WarmStarts? = nil
    ) -> [Outcome] {
        let adaptations = Meta.adapt(
            PackedSupport(features: recipe.project(features), users: users.map(\.support)), with: recipe.rule,
            settings: recipe.settings, storing: recipe.form, from: starts)
        return zip(users, adaptations).map { user, adaptation in
            var values: [Float] = []
            values.reserveCapacity(user.rows.count * features.columns)
            for row in user.rows { values.append(contentsOf: features.row(row)) }
            let tail = Matrix(rows: user.rows.count, columns: features.columns, values: values)
            let logits = recipe.head(of: adaptation.delta).logits(of: tail)
            return Outcome(
                loss: ScoredQuery(logits: logits, labels: user.labels).meanLoss, delta: adaptation.delta)
        }
    }

    /// The same for one user inside the encoder.
    ///
    /// - Parameter workspace: over the users' texts.
    package func outcome(under rule: SparseRule, _ workspace: inout EncoderAdaptation) -> Outcome {
        let delta = workspace.adaptation(of: support, with: rule).delta
        let logits = workspace.logits(of: rows.map { Int32($0) }, for: delta, with: rule)
        return Outcome(loss: ScoredQuery(logits: logits, labels: labels).meanLoss, delta: nil)
    }
}
