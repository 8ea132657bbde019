public import Tensor

/// A sparse matrix over a support that all users share, its rows gated: `f(x) = (x ⊙ m) A`, `A` `[inputs, outputs]` with
/// values at the support only.
///
/// A user keeps the largest of the values (``keepLargest(_:of:)``).
public struct SparseDelta: AdapterKind, Equatable {
    /// The entries and the gate `m`.
    public let support: SparseSupport

    /// The kind of one support.
    public init(_ support: SparseSupport) { self.support = support }

    /// A random support of distinct entries with every row live: what a learned one is compared with.
    public static func random(entries: Int, inputs: Int, outputs: Int, _ random: inout RandomSource) -> SparseDelta {
        precondition((0...inputs * outputs).contains(entries), "\(entries) entries of [\(inputs), \(outputs)]")
        var chosen = Set<Int>()
        while chosen.count < entries { chosen.insert(random.index(below: inputs * outputs)) }
        let places = chosen.sorted()
        return SparseDelta(
            SparseSupport(
                inputs: inputs, outputs: outputs, rows: places.map { Int32($0 / outputs) },
                columns: places.map { Int32($0 % outputs) }))
    }

    /// Its name.
    public var name: String { "sparse" }

    /// One value an entry.
    public func parameters(inputs: Int, outputs: Int) -> [ParameterShape] {
        precondition(support.inputs == inputs && support.outputs == outputs, "a support of other channels")
        return [ParameterShape("values", 1, support.count)]
    }

    /// The gradient at x, before it is added where dy may still have to be read.
    public func savedColumns(inputs: Int, outputs: Int) -> Int { inputs }

    /// Zeros: the gradient does not vanish there.
    public func initialize(_ tensors: [MatrixView], random: inout RandomSource) { tensors[0].fill(0) }

    /// Adds `f(x)`.
    public func forward(_ tensors: [MatrixView], x: MatrixView, y: MatrixView, saved: MatrixView) {
        addSparseProduct(x, tensors[0], support, to: y)
    }

    /// Adds up its gradients.
    public func backward(
        _ tensors: [MatrixView], gradients: [MatrixView], x: MatrixView, saved: MatrixView, dy: MatrixView,
        dx: MatrixView?
    ) {
        addSparseGradient(x, dy: dy, support, to: gradients[0])
        guard let dx else { return }
        saved.fill(0)
        addSparseProductTransposed(dy, tensors[0], support, to: saved)
        add(saved, to: dx)
    }

    /// `f` as a matrix.
    public func delta(_ tensors: [MatrixView]) -> Matrix? {
        var delta = Matrix(rows: support.inputs, columns: support.outputs)
        for entry in 0..<support.count where support.isLive(entry) {
            delta[Int(support.rows[entry]), Int(support.columns[entry])] = tensors[0][0, entry] * support.scales[entry]
        }
        return delta
    }

    /// Zeroes all but the `k` values of largest magnitude, the lower index where two are equal: one step of iterative hard
    /// thresholding (Blumensath and Davies 2009).
    public static func keepLargest(_ k: Int, of values: MatrixView) {
        for (entry, isKept) in largest(k, of: values.values).enumerated() where !isKept { values[0, entry] = 0 }
    }

    /// Which `k` of some values have the largest magnitude, the lower index where two are equal.
    public static func largest(_ k: Int, of values: [Float]) -> [Bool] {
        guard k < values.count else { return [Bool](repeating: true, count: values.count) }
        guard k > 0 else { return [Bool](repeating: false, count: values.count) }
        // As bits, magnitudes have the order of the numbers, and sort as integers do.
        let magnitudes = values.map { abs($0).bitPattern }
        let least = magnitudes.sorted()[values.count - k]
        var ties = k - magnitudes.count { $0 > least }
        return magnitudes.map { magnitude in
            guard magnitude == least else { return magnitude > least }
            ties -= 1
            return ties >= 0
        }
    }
}
