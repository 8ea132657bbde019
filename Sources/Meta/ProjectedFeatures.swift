public import Adapters
public import Tensor

/// What adaptation needs of each text under one rule, computed once and shared by all users who have the text.
///
/// A row is `[x P | x · w0 + b0 | x · g + bg]`, with `g` the head of users without data: ``columns(width:)`` numbers, so that a
/// cache keyed by (recipe digest, text digest) can hold rows as plain floats.
public struct ProjectedFeatures: Sendable {
    /// `[texts, width + 2]`.
    public let rows: Matrix

    /// Takes rows that ``PreconditionedRule/project(_:)`` made, for example from a cache.
    public init(rows: Matrix) {
        precondition(rows.columns > 2, "a row is a direction and two logits")
        self.rows = rows
    }

    /// Number of features of the rule.
    public var width: Int { rows.columns - 2 }

    /// Numbers a text, under a rule of `width` features.
    public static func columns(width: Int) -> Int { width + 2 }
}

extension PreconditionedRule {
    /// Projects texts' pooled features for ``adapt(_:with:settings:gate:)``; one `[texts, width] · [width, width]` product.
    ///
    /// - Parameters:
    ///   - features: `[texts, width]`, unit norm.
    ///   - withoutData: the head of a user without an adapter.
    public func project(_ features: Matrix, withoutData: LinearHead) -> ProjectedFeatures {
        let directions = preconditioner.project(features)
        let startLogits = start.logits(of: features)
        let generalLogits = withoutData.logits(of: features)
        let columns = ProjectedFeatures.columns(width: width)
        var values = [Float]()
        values.reserveCapacity(features.rows * columns)
        for row in 0..<features.rows {
            values.append(contentsOf: directions.row(row))
            values.append(startLogits[row])
            values.append(generalLogits[row])
        }
        return ProjectedFeatures(rows: Matrix(rows: features.rows, columns: columns, values: values))
    }
}
