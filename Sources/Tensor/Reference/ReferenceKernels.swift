import Foundation

/// The kernels as their equations read, in Double and without regard for speed: what tests compare with, and whose
/// differences their gradients are compared with.
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
    package static func gelu(_ x: Double) -> Double { 0.5 * x * (1 + Foundation.erf(x / 2.0.squareRoot())) }

    /// `x/2 (1 + tanh(sqrt(2/π) (x + 0.044715 x³)))`.
    package static func geluTanh(_ x: Double) -> Double {
        0.5 * x * (1 + Foundation.tanh((2 / Double.pi).squareRoot() * (x + 0.044_715 * x * x * x)))
    }

    /// `g / (1 + exp(-g))`.
    package static func silu(_ g: Double) -> Double { g / (1 + Foundation.exp(-g)) }

    /// `exp(x_j) / sum_k exp(x_k)`, shifted by the largest.
    package static func softmax(_ x: [Double]) -> [Double] {
        let top = x.max() ?? 0
        let powers = x.map { Foundation.exp($0 - top) }
        let total = powers.reduce(0, +)
        return powers.map { $0 / total }
    }

    /// `log sum_k exp(x_k) - x_target`.
    package static func crossEntropy(_ x: [Double], target: Int) -> Double {
        let top = x.max() ?? 0
        return top + Foundation.log(x.reduce(0) { $0 + Foundation.exp($1 - top) }) - x[target]
    }

    /// `(x - mean) / sqrt(variance + epsilon) * gain + shift`.
    package static func layerNorm(_ x: [Double], gain: [Double], shift: [Double], epsilon: Double) -> [Double] {
        let mean = x.reduce(0, +) / Double(x.count)
        let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count)
        let scale = 1 / (variance + epsilon).squareRoot()
        return x.indices.map { (x[$0] - mean) * scale * gain[$0] + shift[$0] }
    }

    /// `x / sqrt(mean(x²) + epsilon) * gain`.
    package static func rmsNorm(_ x: [Double], gain: [Double], epsilon: Double) -> [Double] {
        let squares = x.reduce(0) { $0 + $1 * $1 } / Double(x.count)
        let scale = 1 / (squares + epsilon).squareRoot()
        return zip(x, gain).map { $0 * scale * $1 }
    }

    /// The mean of some rows, scaled to unit length; zeros where it is zero.
    package static func normalizedMean(_ rows: [[Double]], columns: Int) -> [Double] {
        let sums = rows.reduce([Double](repeating: 0, count: columns)) { zip($0, $1).map(+) }
        let length = sums.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return length > 0 ? sums.map { $0 / length } : sums
    }

    /// A head's channels turned by `position / base^(2 i / width)`, channel i with channel `i + width / 2`.
    package static func rotated(_ head: [Double], position: Int, base: Double) -> [Double] {
        let half = head.count / 2
        var turned = head
        for index in 0..<half {
            let angle = Double(position) * Foundation.pow(base, -2 * Double(index) / Double(head.count))
            let (a, b) = (head[index], head[index + half])
            turned[index] = a * Foundation.cos(angle) - b * Foundation.sin(angle)
            turned[index + half] = b * Foundation.cos(angle) + a * Foundation.sin(angle)
        }
        return turned
    }

    /// Attention of one sequence; `projections` is `[tokens, shape.columns]`, the result `[tokens, shape.width]`.
    package static func selfAttention(_ projections: [[Double]], _ shape: AttentionShape) -> [[Double]] {
        var context = projections.map { _ in [Double](repeating: 0, count: shape.width) }
        for head in 0..<shape.heads {
            let first = head * shape.headWidth
            let firstKey = shape.width + head * shape.keyValueHeads / shape.heads * shape.headWidth
            let firstValue = firstKey + shape.keyValueWidth
            for query in projections.indices {
                let scores = (0..<(shape.isCausal ? query + 1 : projections.count)).map { key in
                    (0..<shape.headWidth).reduce(0.0) {
                        $0 + projections[query][first + $1] * projections[key][firstKey + $1]
                    } / Double(shape.headWidth).squareRoot()
                }
                for (token, weight) in softmax(scores).enumerated() {
                    for column in 0..<shape.headWidth {
                        context[query][first + column] += weight * projections[token][firstValue + column]
                    }
                }
            }
        }
        return context
    }
}

/// The same, rounded to the kernels' numbers.
extension Reference {
    /// `x/2 (1 + erf(x / sqrt 2))`.
    package static func gelu(_ x: Float) -> Float { Float(gelu(Double(x))) }

    /// `x/2 (1 + tanh(sqrt(2/π) (x + 0.044715 x³)))`.
    package static func geluTanh(_ x: Float) -> Float { Float(geluTanh(Double(x))) }

    /// `exp(x_j) / sum_k exp(x_k)`.
    package static func softmax(_ x: [Float]) -> [Float] { softmax(x.map(Double.init)).map { Float($0) } }

    /// `(x - mean) / sqrt(variance + epsilon) * gain + shift`.
    package static func layerNorm(_ x: [Float], gain: [Float], shift: [Float], epsilon: Float) -> [Float] {
        layerNorm(
            x.map(Double.init), gain: gain.map(Double.init), shift: shift.map(Double.init), epsilon: Double(epsilon)
        ).map { Float($0) }
    }

    /// `x / sqrt(mean(x²) + epsilon) * gain`.
    package static func rmsNorm(_ x: [Float], gain: [Float], epsilon: Float) -> [Float] {
        rmsNorm(x.map(Double.init), gain: gain.map(Double.init), epsilon: Double(epsilon)).map { Float($0) }
    }

    /// Attention of one sequence; `projections` is `[tokens, shape.columns]`, the result `[tokens, shape.width]`.
    package static func selfAttention(_ projections: Matrix, _ shape: AttentionShape) -> Matrix {
        let rows = (0..<projections.rows).map { projections.row($0).map(Double.init) }
        return Matrix(
            rows: projections.rows, columns: shape.width,
            values: selfAttention(rows, shape).flatMap { $0.map { Float($0) } })
    }
}
