public import Adapters
public import Tensor

/// What adaptation needs of each text under one rule, computed once and shared by all users who have the text.
///
/// A row is `[x P | x · w0 + b0 | logit of the reference head]`, `width + 2` numbers, so that a cache keyed by (rule
/// digest, text digest) can hold rows as plain floats.
public struct ProjectedFeatures: Sendable {
    /// `[texts, width + 2]`.
    public let rows: Matrix

    /// Takes rows that ``PreconditionedRule/project(_:reference:)`` made, for example from a cache.
    public init(rows: Matrix) {
        precondition(rows.columns > 2, "a row is a direction and two logits")
        self.rows = rows
    }

    /// Number of features of the rule.
    public var width: Int { rows.columns - 2 }
}

extension PreconditionedRule {
    /// Projects texts' pooled features for ``adapt(_:with:settings:gate:)``; one `[texts, width] · [width, width]` product.
    ///
    /// - Parameters:
    ///   - features: `[texts, width]`, unit norm.
    ///   - reference: the head that a user is served with when nothing is adapted; figures and guard compare with it.
    public func project(_ features: Matrix, reference: LinearHead) -> ProjectedFeatures {
        let directions = preconditioner.project(features)
        let startLogits = start.logits(of: features)
        let referenceLogits = reference.logits(of: features)
        var values = [Float]()
        values.reserveCapacity(features.rows * (width + 2))
        for row in 0..<features.rows {
            values.append(contentsOf: directions.row(row))
            values.append(startLogits[row])
            values.append(referenceLogits[row])
        }
        return ProjectedFeatures(rows: Matrix(rows: features.rows, columns: width + 2, values: values))
    }
}
