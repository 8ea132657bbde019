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

    /// `x/2 (1 + tanh(sqrt(2/π) (x + 0.044715 x³)))`.
    package static func geluTanh(_ x: Float) -> Float {
        let x = Double(x)
        return Float(0.5 * x * (1 + Foundation.tanh((2 / Double.pi).squareRoot() * (x + 0.044_715 * x * x * x))))
    }

    /// `x / sqrt(mean(x²) + epsilon) * gain`.
    package static func rmsNorm(_ x: [Float], gain: [Float], epsilon: Float) -> [Float] {
        let squares = x.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(x.count)
        let scale = 1 / (squares + Double(epsilon)).squareRoot()
        return zip(x, gain).map { Float(Double($0) * scale * Double($1)) }
    }

    /// Attention of one sequence; `projections` is `[tokens, shape.columns]`, the result `[tokens, shape.width]`.
    package static func selfAttention(_ projections: Matrix, _ shape: AttentionShape) -> Matrix {
        var context = Matrix(rows: projections.rows, columns: shape.width)
        for head in 0..<shape.heads {
            let first = head * shape.headWidth
            let firstKey = shape.width + head * shape.keyValueHeads / shape.heads * shape.headWidth
            for query in 0..<projections.rows {
                let scores = (0..<(shape.isCausal ? query + 1 : projections.rows)).map { key in
                    let dot = (0..<shape.headWidth).reduce(0.0) {
                        $0 + Double(projections[query, first + $1]) * Double(projections[key, firstKey + $1])
                    }
                    return Float(dot / Double(shape.headWidth).squareRoot())
                }
                let weights = softmax(scores)
                for column in 0..<shape.headWidth {
                    context[query, first + column] = Float(
                        weights.indices.reduce(0.0) {
                            $0 + Double(weights[$1])
                                * Double(projections[$1, firstKey + shape.keyValueWidth + column])
                        })
                }
            }
        }
        return context
    }
}
