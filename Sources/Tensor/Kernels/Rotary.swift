import Foundation

/// Rotations of pairs of channels by a token's position (Su et al. 2021, equation 34): channel i of a head is turned together
/// with channel `i + headWidth / 2`, by `position / base^(2 i / headWidth)`.
public struct RotaryTable: Sendable {
    /// Channels of a head, even.
    public let headWidth: Int
    /// Positions that are known.
    public let positions: Int
    /// `[positions, headWidth / 2]` each.
    private let cosines: [Float]
    private let sines: [Float]

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

    /// Turns the first `heads` heads of each row in place.
    ///
    /// - Parameters:
    ///   - x: at least `positions.count * stride` values, `[tokens, stride]`.
    ///   - positions: one a token, below ``positions``.
    ///   - heads: heads to turn, from the start of the row: queries and keys where they lie side by side.
    ///   - stride: channels from a row to the next, at least `heads * headWidth`.
    public func rotate(_ x: inout [Float], positions: [Int32], heads: Int, stride: Int) {
        precondition(
            x.count >= positions.count * stride && stride >= heads * headWidth, "rotate \(positions.count) rows")
        let half = headWidth / 2
        unsafe x.withUnsafeMutableBufferPointer { x in
            unsafe cosines.withUnsafeBufferPointer { cosines in
                unsafe sines.withUnsafeBufferPointer { sines in
                    guard let x = x.baseAddress, let cosines = cosines.baseAddress, let sines = sines.baseAddress else {
                        return
                    }
                    for (row, position) in positions.enumerated() {
                        precondition((0..<self.positions).contains(Int(position)), "position \(position)")
                        let cosine = unsafe cosines + Int(position) * half
                        let sine = unsafe sines + Int(position) * half
                        for head in 0..<heads {
                            let first = unsafe x + row * stride + head * headWidth
                            for index in 0..<half {
                                let (a, b) = unsafe (first[index], first[index + half])
                                unsafe first[index] = a * cosine[index] - b * sine[index]
                                unsafe first[index + half] = b * cosine[index] + a * sine[index]
                            }
                        }
                    }
                }
            }
        }
    }
}
