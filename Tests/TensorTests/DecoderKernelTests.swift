import Foundation
import Tensor
import Testing

@Suite struct DecoderKernelTests {
    @Test("GELU by tanh is within 3e-7 max(1, |x|) of its equation from -12 to 12, and adds the bias of its column")
    func gelu() {
        let points = stride(from: Float(-12), through: 12, by: 0x1p-9).map { $0 }
        var values = points.map { $0 - 0.25 }
        addBiasGELUTanh(&values, bias: [Float](repeating: 0.25, count: values.count).span, rows: 1)
        for (x, value) in zip(points, values) {
            let exact = Reference.geluTanh(x - 0.25 + 0.25)
            #expect(abs(value - exact) <= 3e-7 * max(1, abs(x)), "gelu(\(x)) = \(value), not \(exact)")
        }
        for x: Float in [-1000, -100, 100, 1000] {
            var value = [x]
            addBiasGELUTanh(&value, bias: ([0] as [Float]).span, rows: 1)
            #expect(abs(value[0] - max(0, x)) < 1e-30)
        }
    }

    @Test("a gate lets through g / (1 + exp(-g)) of what it gates, and touches nothing behind")
    func gates() {
        var x = normals(20, seed: 1)
        let (before, gate) = (x, normals(20, seed: 2, scale: 6))
        gateSiLU(&x, gate: gate.span, count: 17)
        for index in 0..<17 {
            let g = Double(gate[index])
            #expect(abs(Double(x[index]) - Double(before[index]) * g / (1 + Foundation.exp(-g))) < 1e-5)
        }
        #expect(x[17...] == before[17...])
    }

    @Test("norms into another buffer agree with their equations at every small width", arguments: 1...20)
    func norms(columns: Int) {
        let x = normals(3 * columns, seed: UInt64(columns))
        let (gain, shift) = (normals(columns, seed: 5), normals(columns, seed: 6))
        var y = [Float](repeating: .nan, count: 3 * columns)
        layerNorm(x.span, gain: gain.span, shift: shift.span, epsilon: 1e-5, rows: 3, into: &y)
        for row in 0..<3 {
            let own = Array(x[row * columns..<(row + 1) * columns])
            let exact = Reference.layerNorm(own, gain: gain, shift: shift, epsilon: 1e-5)
            for column in 0..<columns { #expect(abs(y[row * columns + column] - exact[column]) < 1e-4) }
        }
        rmsNorm(x.span, gain: gain.span, epsilon: 1e-6, rows: 3, into: &y)
        for row in 0..<3 {
            let own = Array(x[row * columns..<(row + 1) * columns])
            let exact = Reference.rmsNorm(own, gain: gain, epsilon: 1e-6)
            for column in 0..<columns { #expect(abs(y[row * columns + column] - exact[column]) < 1e-5) }
        }
    }

    @Test("a residual adds update and bias to its rows alone")
    func residual() {
        var x: [Float] = [1, 2, 3, 4, 5, 6]
        addRows(&x, update: ([10, 20, 30, 40] as [Float]).span, bias: ([100, 200] as [Float]).span, rows: 2)
        #expect(x == [111, 222, 133, 244, 5, 6])
    }

    @Test("rotations keep lengths, are none at position 0, and make products depend on the distance alone")
    func rotary() {
        let table = RotaryTable(headWidth: 6, positions: 40, base: 10_000)
        let (query, key) = (normals(6, seed: 7), normals(6, seed: 8))
        func product(_ one: Int32, _ other: Int32) -> Float {
            // Two heads a row, of which only the first is turned, and something behind them.
            var rows = query + query + [9] + key + key + [9]
            table.rotate(&rows, positions: [one, other], heads: 1, stride: 13)
            #expect(Array(rows[6..<13]) == query + [9] && Array(rows[19..<26]) == key + [9])
            return zip(rows[0..<6], rows[13..<19]).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let near = product(3, 5)
        for start: Int32 in 0..<38 { #expect(abs(product(start, start + 2) - near) < 1e-4) }
        #expect(abs(product(3, 9) - near) > 1e-3)
        #expect(product(0, 0) == zip(query, key).reduce(0) { $0 + $1.0 * $1.1 })
    }

    @Test("what a token costs is the logarithm of the sum less its score, however large the scores are")
    func crossEntropy() {
        for columns in [1, 7, 8, 9, 40] {
            let logits = normals(3 * columns, seed: UInt64(columns), scale: 20)
            let targets = [0, Int32(columns / 2), Int32(columns - 1)]
            let losses = crossEntropies(logits.span, targets: targets, columns: columns)
            for (row, target) in targets.enumerated() {
                let own = logits[row * columns..<(row + 1) * columns].map(Double.init)
                let exact = Foundation.log(own.reduce(0) { $0 + Foundation.exp($1) }) - own[Int(target)]
                #expect(abs(Double(losses[row]) - exact) < 1e-4)
            }
        }
    }
}
