import Foundation

/// The kernels as their equations read, in Double and without regard for speed: what tests compare with.
package enum Reference {
    /// `c[i][j] = sum_k a[i][k] b[j][k]`.
    package static func productTransposed(_ a: Matrix, _ b: Matrix) -> Matrix {
        var c = Matrix(rows: a.rows, columns: b.rows)
        for i in 0..<a.rows {
            for j in 0..<b.rows {
                c[i, j] = Float((0..<a.columns).reduce(0.0) { $0 + Double(a[i, $1]) * Double(b[j, $1]) })
            }
        }
        return c
    }

    /// `x/2 (1 + erf(x / sqrt 2))`.
    package static func gelu(_ x: Float) -> Float {
        let x = Double(x)
        return Float(0.5 * x * (1 + Foundation.erf(x / 2.0.squareRoot())))
    }

    /// `exp(x_j) / sum_k exp(x_k)`, shifted by the largest.
    package static func softmax(_ x: [Float]) -> [Float] {
        let top = Double(x.max() ?? 0)
        let powers = x.map { Foundation.exp(Double($0) - top) }
        let total = powers.reduce(0, +)
        return powers.map { Float($0 / total) }
    }

    /// `(x - mean) / sqrt(variance + epsilon) * gain + shift`.
    package static func layerNorm(_ x: [Float], gain: [Float], shift: [Float], epsilon: Float) -> [Float] {
        let values = x.map(Double.init)
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
        let scale = 1 / (variance + Double(epsilon)).squareRoot()
        return values.indices.map { Float((values[$0] - mean) * scale * Double(gain[$0]) + Double(shift[$0])) }
    }

    /// Attention of one sequence; `projections` is `[tokens, 3 * width]`, the result `[tokens, width]`.
    package static func selfAttention(_ projections: Matrix, heads: Int) -> Matrix {
        let width = projections.columns / 3
        let headWidth = width / heads
        var context = Matrix(rows: projections.rows, columns: width)
        for head in 0..<heads {
            let columns = head * headWidth..<(head + 1) * headWidth
            for query in 0..<projections.rows {
                let scores = (0..<projections.rows).map { key in
                    let dot = columns.reduce(0.0) {
                        $0 + Double(projections[query, $1]) * Double(projections[key, width + $1])
                    }
                    return Float(dot / Double(headWidth).squareRoot())
                }
                let weights = softmax(scores)
                for column in columns {
                    context[query, column] = Float(
                        weights.indices.reduce(0.0) {
                            $0 + Double(weights[$1]) * Double(projections[$1, 2 * width + column])
                        })
                }
            }
        }
        return context
    }
}
