import Foundation

/// Rotations of pairs of channels by a token's position (Su et al. 2021, equation 34): channel i of a head is turned together
/// with channel `i + headWidth / 2`, by `position / base^(2 i / headWidth)`.
public struct RotaryTable: Sendable {
    /// Channels of a head, even.
    public let headWidth: Int
    /// Positions that are known.
    public let positions: Int
    /// `[positions, headWidth / 2]` each.
    let cosines: [Float]
    let sines: [Float]

    /// Computes the table in Double, as the reference does in Float up to its rounding.
    public init(headWidth: Int, positions: Int, base: Double) {
        precondition(headWidth % 2 == 0 && base > 0, "pairs of \(headWidth) channels, a base of \(base)")
        (self.headWidth, self.positions) = (headWidth, positions)
        let half = headWidth / 2
        var (cosines, sines) = ([Float](), [Float]())
        cosines.reserveCapacity(positions * half)
        sines.reserveCapacity(positions * half)
        let frequencies = (0..<half).map { pow(base, -2 * Double($0) / Double(headWidth)) }
        for position in 0..<positions {
            for frequency in frequencies {
                cosines.append(Float(cos(Double(position) * frequency)))
                sines.append(Float(sin(Double(position) * frequency)))
            }
        }
        (self.cosines, self.sines) = (cosines, sines)
    }

    /// Turns the first `heads` heads of each row in place: a channel a and its partner b become `a cos - b sin` and
    /// `b cos + a sin`.
    ///
    /// - Parameters:
    ///   - x: `[tokens, at least heads * headWidth]`.
    ///   - positions: `[tokens]`, each at least 0 and below ``positions``.
    ///   - heads: heads to turn, from the start of the row: queries and keys where they lie side by side.
    ///   - inverse: whether to turn back, which is also the gradient of turning.
    public func rotate(_ x: MatrixView, positions: some Collection<Int32>, heads: Int, inverse: Bool = false) {
        precondition(
            positions.count == x.rows && heads >= 0 && heads * headWidth <= x.columns,
            "\(heads) heads of \(headWidth) at \(positions.count) positions in [\(x.rows), \(x.columns)]")
        let sign: Float = inverse ? -1 : 1
        unsafe withElements(positions) { positions in
            unsafe withPointer(cosines.span) { cosines in
                unsafe withPointer(sines.span) { sines in
                    for row in 0..<x.rows {
                        let position = unsafe Int(positions[row])
                        precondition((0..<self.positions).contains(position), "position \(position)")
                        let first = position * headWidth / 2
                        for head in 0..<heads {
                            unsafe turn(x.row(row) + head * headWidth, cosines + first, sines + first, sign)
                        }
                    }
                }
            }
        }
    }

    /// Turns one head.
    @inline(__always)
    private func turn(
        _ first: UnsafeMutablePointer<Float>, _ cosines: UnsafePointer<Float>, _ sines: UnsafePointer<Float>,
        _ sign: Float
    ) {
        let second = unsafe first + headWidth / 2
        var index = 0
        while index < headWidth / 2 {
            let (a, b, sine) = unsafe (first[index], second[index], sign * sines[index])
            unsafe first[index] = a * cosines[index] - b * sine
            unsafe second[index] = b * cosines[index] + a * sine
            index &+= 1
        }
    }
}
