public import Adapters
public import Model
public import Tensor

/// What users' behaviour says about texts of a catalogue: a vector a text, so that texts liked and disliked by the same users lie
/// close. They stand beside a text's pooled features as further features; a text that nobody was met with has zeros and is judged
/// by what it says.
///
/// With `R[i, u]` the sum of user u's labels of text i, 1 or -1 each, and `n_i = Σ_u R[i, u]²`, the cosine kernel of texts' rows,
/// damped by `δ` so that a text few have met says little, is
/// ```
/// k(i, j) = Σ_u R[i, u] R[j, u] / √((n_i + δ)(n_j + δ))
/// ```
/// (item-item collaborative filtering, Sarwar et al. 2001) and the vectors are its best factors of so many columns:
/// `v_i · v_j ≈ s² k(i, j)`.
public struct ItemVectors: Sendable, Equatable {
    /// Of the texts with a vector, ascending.
    public let digests: [TextDigest]
    /// `[digests, count]`.
    public let vectors: Matrix
    private let rowOfDigest: [TextDigest: Int32]

    /// Most columns: more would outweigh the texts' own features.
    public static let largestCount = 256

    /// States vectors.
    ///
    /// - Parameters:
    ///   - digests: ascending, each once.
    ///   - vectors: `[digests, 1...largestCount]`.
    public init(digests: [TextDigest], vectors: Matrix) {
        precondition(digests.count == vectors.rows, "a vector a text")
        precondition((1...Self.largestCount).contains(vectors.columns), "1 to \(Self.largestCount) columns")
        precondition(zip(digests, digests.dropFirst()).allSatisfy(<), "digests ascend")
        self.digests = digests
        self.vectors = vectors
        rowOfDigest = Dictionary(uniqueKeysWithValues: digests.indices.map { (digests[$0], Int32($0)) })
    }

    /// Numbers of a vector.
    public var count: Int { vectors.columns }

    /// Texts' features with their vectors beside them.
    ///
    /// - Parameters:
    ///   - features: `[texts, width]`.
    ///   - digests: of the same texts.
    /// - Returns: `[texts, width + count]`.
    public func beside(_ features: Matrix, of digests: [TextDigest]) -> Matrix {
        precondition(digests.count == features.rows, "a digest a text")
        var values: [Float] = []
        values.reserveCapacity(features.rows * (features.columns + count))
        for (row, digest) in digests.enumerated() {
            values.append(contentsOf: features.row(row))
            if let own = rowOfDigest[digest] {
                values.append(contentsOf: vectors.row(Int(own)))
            } else {
                values.append(contentsOf: repeatElement(0, count: count))
            }
        }
        return Matrix(rows: features.rows, columns: features.columns + count, values: values)
    }

    /// The same vectors, each number multiplied and rounded to what a recipe stores, 11 bits.
    public func scaled(by factor: Float) -> ItemVectors {
        ItemVectors(
            digests: digests,
            vectors: Matrix(
                rows: vectors.rows, columns: count, values: vectors.values.map { Float(Float16($0 * factor)) }))
    }
}

extension MetaPopulation {
    /// The same users, each text's vector beside its features.
    public func appending(_ items: ItemVectors) -> MetaPopulation {
        MetaPopulation(
            features: items.beside(features, of: textDigests), users: users, textDigests: textDigests)
    }
}

extension PreconditionedRule {
    /// The rule on features with vectors beside them: it starts at the same head, and moves along the vectors as they are.
    public func extended(by count: Int) -> PreconditionedRule {
        let whole = width + count
        var matrix = Matrix(rows: whole, columns: whole)
        for row in 0..<whole {
            switch preconditioner {
            case .isotropic(let scale) where row < width: matrix[row, row] = scale
            case .dense(let own) where row < width:
                for column in 0..<width { matrix[row, column] = own[row, column] }
            default: matrix[row, row] = 1
            }
        }
        return PreconditionedRule(
            start: start.extended(by: count), preconditioner: .dense(matrix), steps: steps,
            supportExponent: supportExponent)
    }

    /// The rule on the first features alone, where it moves the others by themselves.
    public func first(_ count: Int) -> PreconditionedRule {
        guard case .dense(let whole) = preconditioner, count < width else { return self }
        var matrix = Matrix(rows: count, columns: count)
        for row in 0..<count { for column in 0..<count { matrix[row, column] = whole[row, column] } }
        return PreconditionedRule(
            start: start.first(count), preconditioner: .dense(matrix), steps: steps, supportExponent: supportExponent)
    }
}

extension LinearHead {
    /// The head on so many features more, which say nothing.
    public func extended(by count: Int) -> LinearHead {
        LinearHead(weights: weights + [Float](repeating: 0, count: count), bias: bias)
    }

    /// The head on the first features alone.
    public func first(_ count: Int) -> LinearHead { LinearHead(weights: Array(weights.prefix(count)), bias: bias) }
}
