public import Problem

/// A row-gated difference to a recipe's start head, in int8 with one scale.
///
/// The difference is `values[i] * scale` at the `i`-th kept row and zero elsewhere; the bias difference is exact. With
/// a linear head the sparse `d x d` delta at the pooled output acts only through the head, so its row gate selects
/// coordinates of this vector.
public struct RowDelta: Sendable, Equatable {
    /// Number of features of the head it changes.
    public let width: Int
    /// Bitmap of kept rows, `ceil(width / 8)` bytes; row `i` is bit `i % 8`, counted from the lowest, of byte `i / 8`.
    public let keptRows: [UInt8]
    /// One value per kept row in ascending order of rows, within `-127...127`.
    public let values: [Int8]
    /// What one step of ``values`` is worth; at least zero.
    public let scale: Float
    /// The difference to the start head's bias.
    public let bias: Float

    /// The delta that changes nothing.
    public static func zero(width: Int) -> RowDelta {
        RowDelta(
            width: width, keptRows: [UInt8](repeating: 0, count: (width + 7) / 8), values: [], scale: 0, bias: 0)
    }

    private init(width: Int, keptRows: [UInt8], values: [Int8], scale: Float, bias: Float) {
        self.width = width
        self.keptRows = keptRows
        self.values = values
        self.scale = scale
        self.bias = bias
    }

    /// Rounds the kept rows of a dense difference to int8: `scale = max|delta| / 127`, round half to even, -128 unused.
    ///
    /// Each kept row is then off by at most `scale / 2`.
    /// - Parameters:
    ///   - delta: the difference to the start head's weights, shape `[width]`.
    ///   - rows: which rows to keep, ascending, each within `0..<width`.
    ///   - bias: the difference to the start head's bias.
    /// - Returns: nil when a kept value or the bias is not finite: such an adaptation diverged and is not stored.
    public init?(quantizing delta: [Float], keeping rows: [Int], bias: Float) {
        var bitmap = [UInt8](repeating: 0, count: (delta.count + 7) / 8)
        var largest: Float = 0
        for row in rows {
            guard delta[row].isFinite else { return nil }
            largest = max(largest, abs(delta[row]))
            bitmap[row >> 3] |= 1 << UInt8(row & 7)
        }
        let scale = largest / 127
        guard bias.isFinite, (scale * 127).isFinite else { return nil }
        let values = rows.map { row in
            scale > 0 ? Int8(max(-127, min(127, (delta[row] / scale).rounded(.toNearestOrEven)))) : 0
        }
        self.init(width: delta.count, keptRows: bitmap, values: values, scale: scale, bias: bias)
    }

    /// Checks what a file holds.
    ///
    /// - Parameter location: the file or object, for the error.
    /// - Throws: `adapter_malformed` when the bitmap, the number of values or a number does not fit.
    public init(
        width: Int, keptRows: [UInt8], values: [Int8], scale: Float, bias: Float, at location: String
    ) throws(Problem) {
        func refuse(_ reason: String) -> Problem {
            Problem(
                "adapter_malformed", at: location, reason, do: "fetch it again; if it stays so, adapt the user anew.")
        }
        guard width > 0, keptRows.count == (width + 7) / 8 else {
            throw refuse("the row bitmap has \(keptRows.count) bytes, \(width) rows need \((width + 7) / 8).")
        }
        if width % 8 != 0, let last = keptRows.last, last >> UInt8(width % 8) != 0 {
            throw refuse("the row bitmap names rows past \(width).")
        }
        let kept = keptRows.reduce(0) { $0 + $1.nonzeroBitCount }
        guard values.count == kept else { throw refuse("\(kept) rows are kept and \(values.count) values stored.") }
        guard !values.contains(-128) else { throw refuse("a value is -128, outside -127...127.") }
        guard (scale * 127).isFinite, scale >= 0, bias.isFinite else {
            throw refuse("scale \(scale) or bias \(bias) is not a number an adapter can have.")
        }
        self.init(width: width, keptRows: keptRows, values: values, scale: scale, bias: bias)
    }

    /// The kept rows, ascending.
    public var rows: [Int] { (0..<width).filter { keptRows[$0 >> 3] >> UInt8($0 & 7) & 1 == 1 } }

    /// The dense difference: weights of shape `[width]`, and bias.
    public func dense() -> (weights: [Float], bias: Float) {
        var weights = [Float](repeating: 0, count: width)
        for (row, value) in zip(rows, values) { weights[row] = Float(value) * scale }
        return (weights, bias)
    }
}
