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
            delta[Int(support.rows[entry]), Int(support.columns[entry])] = tensors[0][0, entry]
        }
        return delta
    }

    /// Zeroes all but the `k` values of largest magnitude, the lower index where two are equal: one step of iterative hard
    /// thresholding (Blumensath and Davies 2009).
    public static func keepLargest(_ k: Int, of values: MatrixView) {
        guard k < values.columns else { return }
        let order = (0..<values.columns).sorted { (abs(values[0, $0]), $1) > (abs(values[0, $1]), $0) }
        for entry in order.dropFirst(max(k, 0)) { values[0, entry] = 0 }
    }
}
