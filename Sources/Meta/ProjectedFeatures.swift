import Adapters
public import Tensor

/// What adaptation needs of each text under one rule, computed once and shared by all users who have the text.
///
/// A row is `[x P | x · w0 + b0]`, `width + 1` numbers, so that a cache keyed by (recipe digest, text digest) can hold
/// rows as plain floats.
public struct ProjectedFeatures: Sendable {
    /// `[texts, width + 1]`.
    public let rows: Matrix

    /// Takes rows that ``PreconditionedRule/project(_:)`` made, for example from a cache.
    public init(rows: Matrix) {
        precondition(rows.columns > 1, "a row is a direction and a logit")
        self.rows = rows
    }

    /// Number of features of the rule.
    public var width: Int { rows.columns - 1 }
}

extension PreconditionedRule {
    /// Projects texts' pooled features for ``adapt(_:with:settings:gate:)``; one `[texts, width] · [width, width]` product.
    ///
    /// - Parameter features: `[texts, width]`, unit norm.
    public func project(_ features: Matrix) -> ProjectedFeatures {
        let directions = preconditioner.project(features)
        let startLogits = start.logits(of: features)
        var values = [Float]()
        values.reserveCapacity(features.rows * (width + 1))
        for row in 0..<features.rows {
            values.append(contentsOf: directions.row(row))
            values.append(startLogits[row])
        }
        return ProjectedFeatures(rows: Matrix(rows: features.rows, columns: width + 1, values: values))
    }
}
