import Foundation
import Tensor
import Testing

@Suite struct ActivationTests {
    static func twin(_ form: GELUForm) -> (Double) -> Double {
        switch form {
        case .exact: { Reference.gelu($0) }
        case .tanh: { Reference.geluTanh($0) }
        }
    }

    @Test(
        "GELU of both forms is within 3e-7 max(1, |x|) of its equation from -12 to 12",
        arguments: [GELUForm.exact, .tanh])
    func geluFollowsItsEquation(form: GELUForm) {
        let points = stride(from: Float(-12), through: 12, by: 0x1p-9).map { $0 }
        let x = MatrixView(rows: 1, columns: points.count, values: points)
        gelu(x, form, into: x)
        for (x, value) in zip(points, x.values) {
            let exact = Float(Self.twin(form)(Double(x)))
            #expect(abs(value - exact) <= 3e-7 * max(1, abs(x)), "gelu(\(x)) = \(value), not \(exact)")
        }
    }

    @Test("GELU lets through what is large and stops what is far below zero", arguments: [GELUForm.exact, .tanh])
    func geluFarOut(form: GELUForm) {
        let points: [Float] = [-1000, -100, 100, 1000]
        let (x, dx) = (MatrixView(rows: 1, columns: 4, values: points), MatrixView(rows: 1, columns: 4))
        dx.fill(1)
        geluGradient(dx, x: x, form, into: dx)
        gelu(x, form, into: x)
        for (point, value) in zip(points, x.values) {
            #expect(abs(value - max(0, point)) <= (form == .tanh ? 1e-30 : 3e-7 * abs(point)))
        }
        for (point, slope) in zip(points, dx.values) { #expect(abs(slope - (point > 0 ? 1 : 0)) < 1e-6) }
    }

    @Test("GELU writes its rows and nothing between them, also in place", arguments: trials)
    func geluRows(columns: Int, gap: Int) {
        for form in [GELUForm.exact, .tanh] {
            let x = FramedView(4, columns, values: normals(4 * columns, seed: 3, scale: 3), gap: gap)
            let (before, y) = (x.values, FramedView(4, columns, gap: gap))
            gelu(x.view, form, into: y.view)
            #expect(x.values == before)
            expectClose(y.values, before.map { Self.twin(form)(Double($0)) }, within: 1e-6)
            gelu(x.view, form, into: x.view)
            #expect(x.values == y.values && x.frameIsUntouched && y.frameIsUntouched)
        }
    }

    @Test("GELU's gradient is within 2e-6 of its differences from -9 to 9", arguments: [GELUForm.exact, .tanh])
    func geluSlope(form: GELUForm) {
        let points = stride(from: Float(-9), through: 9, by: 0x1p-7).map { $0 }
        let x = MatrixView(rows: 1, columns: points.count, values: points)
        let dx = MatrixView(rows: 1, columns: points.count)
        dx.fill(1)
        geluGradient(dx, x: x, form, into: dx)
        for (x, slope) in zip(points, dx.values) {
            let exact = centralDifferences(at: [Double(x)]) { Self.twin(form)($0[0]) }[0]
            #expect(abs(Double(slope) - exact) < 2e-6, "gelu'(\(x)) = \(slope), not \(exact)")
        }
    }

    @Test("GELU's gradient is weighted by what comes back, in place or not, and stays in its rows", arguments: trials)
    func geluGradients(columns: Int, gap: Int) {
        for form in [GELUForm.exact, .tanh] {
            let x = FramedView(3, columns, values: normals(3 * columns, seed: 4, scale: 2), gap: gap)
            let dy = FramedView(3, columns, values: normals(3 * columns, seed: 5), gap: gap)
            let dx = FramedView(3, columns, gap: gap)
            let weights = dy.values.map(Double.init)
            geluGradient(dy.view, x: x.view, form, into: dx.view)
            let exact = centralDifferences(at: x.values.map(Double.init)) { x in
                zip(x, weights).reduce(0) { $0 + $1.1 * Self.twin(form)($1.0) }
            }
            expectClose(dx.values, exact, within: 1e-5)
            geluGradient(dy.view, x: x.view, form, into: dy.view)
            #expect(dy.values == dx.values && dx.frameIsUntouched && dy.frameIsUntouched && x.frameIsUntouched)
        }
    }

    @Test("erf is odd, bounded by 1 and within 4e-7 of the library's")
    func erf() {
        for x in stride(from: Float(-6), through: 6, by: 0x1p-10) {
            #expect(abs(Double(errorFunction(x)) - Foundation.erf(Double(x))) < 4e-7, "erf(\(x))")
            #expect(errorFunction(-x) == -errorFunction(x))
            #expect(abs(errorFunction(x)) <= 1.000_000_2)
        }
    }

    @Test("exp is within 2e-7 relative of the library's from -87 to 88, and tiny below")
    func exponentials() {
        for x in stride(from: Float(-87), through: 88, by: 0x1p-6) {
            let exact = Foundation.exp(Double(x))
            #expect(abs(Double(exponential(x)) - exact) <= 2e-7 * exact, "exp(\(x))")
        }
        for x: Float in [-88, -200, -1e30, -.infinity] { #expect(exponential(x) < 2e-38 && exponential(x) > 0) }
    }

    @Test("a gate lets through g / (1 + exp(-g)) of what it gates, in place or not", arguments: trials)
    func gates(columns: Int, gap: Int) {
        let x = FramedView(3, columns, values: normals(3 * columns, seed: 1), gap: gap)
        let gate = FramedView(3, columns, values: normals(3 * columns, seed: 2, scale: 6), gap: gap)
        let y = FramedView(3, columns, gap: gap)
        gatedSiLU(x.view, gate: gate.view, into: y.view)
        let exact = zip(x.values, gate.values).map { Double($0) * Reference.silu(Double($1)) }
        for (value, exact) in zip(y.values, exact) { #expect(abs(Double(value) - exact) < 1e-5) }
        gatedSiLU(x.view, gate: gate.view, into: x.view)
        #expect(x.values == y.values && x.frameIsUntouched && y.frameIsUntouched && gate.frameIsUntouched)
    }

    @Test("a gate's gradients are those of its equation, where x and dy make room for them too", arguments: trials)
    func gateGradients(columns: Int, gap: Int) {
        let x = FramedView(2, columns, values: normals(2 * columns, seed: 6), gap: gap)
        let gate = FramedView(2, columns, values: normals(2 * columns, seed: 7, scale: 4), gap: gap)
        let dy = FramedView(2, columns, values: normals(2 * columns, seed: 8), gap: gap)
        let (dx, dgate) = (FramedView(2, columns, gap: gap), FramedView(2, columns, gap: gap))
        gatedSiLUGradient(dy.view, x: x.view, gate: gate.view, into: dx.view, gate: dgate.view)
        let weights = dy.values.map(Double.init)
        func value(_ x: [Double], _ gate: [Double]) -> Double {
            weights.indices.reduce(0) { $0 + weights[$1] * x[$1] * Reference.silu(gate[$1]) }
        }
        let (given, gates) = (x.values.map(Double.init), gate.values.map(Double.init))
        expectClose(dx.values, centralDifferences(at: given) { value($0, gates) }, within: 1e-5)
        expectClose(dgate.values, centralDifferences(at: gates) { value(given, $0) }, within: 1e-5)
        gatedSiLUGradient(dy.view, x: x.view, gate: gate.view, into: dy.view, gate: x.view)
        #expect(dy.values == dx.values && x.values == dgate.values)
        for view in [x, gate, dy, dx, dgate] { #expect(view.frameIsUntouched) }
    }

    @Test("a gate that is shut or wide open has a finite gradient")
    func farGates() {
        let gate = MatrixView(rows: 1, columns: 4, values: [-1000, -90, 90, 1000])
        let (x, dx, dgate) = (
            MatrixView(rows: 1, columns: 4), MatrixView(rows: 1, columns: 4), MatrixView(rows: 1, columns: 4)
        )
        x.fill(1)
        dx.fill(1)
        gatedSiLUGradient(dx, x: x, gate: gate, into: dx, gate: dgate)
        for (value, exact) in zip(dx.values, [0, 0, 90, 1000] as [Float]) { #expect(abs(value - exact) < 1e-3) }
        for (value, exact) in zip(dgate.values, [0, 0, 1, 1] as [Float]) { #expect(abs(value - exact) < 1e-6) }
    }

    @Test("a rectifier keeps what is above zero, and lets its gradient through there alone", arguments: trials)
    func rectifier(columns: Int, gap: Int) {
        let x = FramedView(3, columns, values: normals(3 * columns, seed: 9), gap: gap)
        x.view[1, 0] = 0
        let before = x.values
        rectify(x.view)
        #expect(x.values == before.map { max($0, 0) } && x.frameIsUntouched)
        let dy = FramedView(3, columns, values: normals(3 * columns, seed: 10), gap: gap)
        let given = dy.values
        rectifierGradient(dy.view, y: x.view)
        #expect(dy.values == zip(given, before).map { $1 > 0 ? $0 : 0 } && dy.frameIsUntouched)
    }

    @Test("a rectifier does not hide NaN")
    func rectifiedNaN() {
        let x = MatrixView(rows: 1, columns: 2, values: [.nan, -1])
        rectify(x)
        #expect(x[0, 0].isNaN && x[0, 1] == 0)
    }

    @Test("matrices of unlike shapes stop the program")
    func shapes() async {
        await #expect(processExitsWith: .failure) {
            gelu(MatrixView(rows: 2, columns: 3), .exact, into: MatrixView(rows: 3, columns: 2))
        }
    }
}
