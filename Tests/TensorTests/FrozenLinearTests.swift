import Dispatch
import Synchronization
import Tensor
import Testing

@Suite struct FrozenLinearTests {
    /// A layer of one backend, and the operands that it computes with.
    struct Case {
        var (inputs, outputs): (Int, Int)
        var weights: [Float]
        var bias: [Float]
        var layer: any FrozenLinear

        init(_ backend: ProductBackend, inputs: Int = 80, outputs: Int = 48) {
            (self.inputs, self.outputs) = (inputs, outputs)
            weights = normals(inputs * outputs, seed: 1)
            bias = normals(outputs, seed: 2)
            layer = backend.prepare(weights: weights, bias: bias)
        }

        /// `x Wᵀ + b` or `dy W + dx` in Double, with each operand but the last rounded by `rounding`.
        func product(
            _ x: MatrixView, isForward: Bool, adding: MatrixView? = nil, rounding: (Float) -> Float = { $0 }
        ) -> [[Double]] {
            let rounded = weights.map { Double(rounding($0)) }
            return (0..<x.rows).map { row in
                let values = (0..<x.columns).map { Double(rounding(x[row, $0])) }
                return (0..<(isForward ? outputs : inputs)).map { column in
                    var sum = isForward ? Double(bias[column]) : adding.map { Double($0[row, column]) } ?? 0
                    for (index, value) in values.enumerated() {
                        sum += value * rounded[isForward ? column * inputs + index : index * inputs + column]
                    }
                    return sum
                }
            }
        }
    }

    static let rowCounts = [1, 3, 15, 16, 17, 63, 64, 65, 100, 127, 255, 256, 257, 512, 543]

    static func dense(_ rows: Int, _ columns: Int, seed: UInt64) -> MatrixView {
        MatrixView(rows: rows, columns: columns, values: normals(rows * columns, seed: seed))
    }

    static func copy(_ view: MatrixView) -> MatrixView {
        MatrixView(rows: view.rows, columns: view.columns, values: view.values)
    }

    /// The nearest bf16 value, to even.
    static func half(_ value: Float) -> Float {
        let bits = value.bitPattern
        return Float(bitPattern: (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff_0000)
    }

    /// The largest distance of a row from the true one, relative to that one's length.
    static func error(_ found: MatrixView, _ expected: [[Double]]) -> Double {
        var worst = 0.0
        for (row, values) in expected.enumerated() {
            var (square, distance) = (0.0, 0.0)
            for (column, value) in values.enumerated() {
                square += value * value
                distance += (Double(found[row, column]) - value) * (Double(found[row, column]) - value)
            }
            worst = max(worst, (distance / square).squareRoot())
        }
        return worst
    }

    /// Columns that fill vectors of 16, and that do not.
    static let shapes = [(80, 48), (37, 19), (384, 128)]

    @Test(
        "products agree with sums in Double, forward, backward and adding, whatever the number of rows",
        arguments: ProductBackend.available)
    func agreesWithSums(backend: ProductBackend) {
        let tolerance = backend == .oneDNNBF16 ? 1e-2 : 1e-5
        let rounding: (Float) -> Float = { backend == .oneDNNBF16 ? Self.half($0) : $0 }
        for (inputs, outputs) in Self.shapes {
            let layer = Case(backend, inputs: inputs, outputs: outputs)
            for rows in inputs == 80 ? Self.rowCounts : [1, 17, 100] {
                let (x, y) = (Self.dense(rows, inputs, seed: 3), Self.dense(rows, outputs, seed: 4))
                let (dy, dx) = (Self.dense(rows, outputs, seed: 5), Self.dense(rows, inputs, seed: 6))
                layer.layer.forward(x, into: y)
                #expect(Self.error(y, layer.product(x, isForward: true)) < tolerance, "\(rows) rows forward")
                let exact = layer.product(x, isForward: true, rounding: rounding)
                #expect(Self.error(y, exact) < 1e-5, "\(rows) rows forward, operands as the backend reads them")
                layer.layer.backward(dy, into: dx, adding: false)
                let back = layer.product(dy, isForward: false, rounding: rounding)
                #expect(Self.error(dx, back) < 1e-5, "\(rows) rows backward")
                let sum = layer.product(dy, isForward: false, adding: dx, rounding: rounding)
                layer.layer.backward(dy, into: dx, adding: true)
                #expect(Self.error(dx, sum) < 1e-5, "\(rows) rows backward, adding")
            }
        }
    }

    @Test(
        "views with a stride give the same values, and what lies around them is neither read nor written",
        arguments: ProductBackend.available)
    func stridesAreKept(backend: ProductBackend) {
        let layer = Case(backend)
        for rows in [1, 3, 17, 100, 300] {
            let x = FramedView(rows, layer.inputs, values: normals(rows * layer.inputs, seed: 3))
            let y = FramedView(rows, layer.outputs)
            let dx = FramedView(rows, layer.inputs, values: normals(rows * layer.inputs, seed: 4))
            let (flatX, flatDX) = (Self.copy(x.view), Self.copy(dx.view))
            let flatY = MatrixView(rows: rows, columns: layer.outputs)
            layer.layer.forward(x.view, into: y.view)
            layer.layer.forward(flatX, into: flatY)
            let isSameForward = y.view.values == flatY.values
            #expect(isSameForward, "\(rows) rows")
            for adding in [true, false] {
                layer.layer.backward(y.view, into: dx.view, adding: adding)
                layer.layer.backward(flatY, into: flatDX, adding: adding)
                let isSameBackward = dx.view.values == flatDX.values
                #expect(isSameBackward, "\(rows) rows, adding: \(adding)")
            }
            #expect(x.frameIsUntouched && y.frameIsUntouched && dx.frameIsUntouched)
        }
    }

    @Test("a row that is not finite spoils only itself", arguments: ProductBackend.available)
    func nanStays(backend: ProductBackend) {
        let layer = Case(backend)
        let (x, y) = (Self.dense(20, layer.inputs, seed: 3), MatrixView(rows: 20, columns: layer.outputs))
        x[7, 3] = .nan
        x[9, 4] = .infinity
        layer.layer.forward(x, into: y)
        for row in 0..<20 { #expect(y[row, 0].isFinite == (row != 7 && row != 9)) }
    }

    @Test("no rows are no work", arguments: ProductBackend.available)
    func noRows(backend: ProductBackend) {
        let layer = Case(backend)
        layer.layer.forward(MatrixView(rows: 0, columns: 80), into: MatrixView(rows: 0, columns: 48))
        layer.layer.backward(MatrixView(rows: 0, columns: 48), into: MatrixView(rows: 0, columns: 80), adding: true)
    }

    @Test("threads that share a layer get the values that one gets alone", arguments: ProductBackend.available)
    func threadsAgree(backend: ProductBackend) {
        let layer = Case(backend, inputs: 384, outputs: 192)
        let counts = [1, 5, 16, 47, 100, 271]
        let alone = counts.map { rows in Self.run(layer.layer, rows) }
        let differing = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 64) { index in
            let place = index % counts.count
            if Self.run(layer.layer, counts[place]) != alone[place] { differing.add(1, ordering: .relaxed) }
        }
        #expect(differing.load(ordering: .relaxed) == 0)
    }

    private static func run(_ layer: any FrozenLinear, _ rows: Int) -> [Float] {
        let (x, y) = (dense(rows, 384, seed: UInt64(rows)), MatrixView(rows: rows, columns: 192))
        let dx = MatrixView(rows: rows, columns: 384)
        layer.forward(x, into: y)
        layer.backward(y, into: dx, adding: false)
        return y.values + dx.values
    }

    @Test(
        "with oneDNN's brg kernels a row's values do not depend on the rows beside it",
        arguments: ProductBackend.available.filter { $0 != .openBLAS })
    func rowsAreIndependent(backend: ProductBackend) {
        guard backend.kernelDescription.contains(" brg:") else {
            print("SKIPPED: \(backend.kernelDescription) sums a row by how many there are")
            return
        }
        for (inputs, outputs) in [(384, 384), (1536, 384), (384, 1152), (37, 19)] {
            let layer = Case(backend, inputs: inputs, outputs: outputs)
            let x = Self.dense(300, inputs, seed: 3)
            let (together, alone) = (MatrixView(rows: 300, columns: outputs), MatrixView(rows: 300, columns: outputs))
            layer.layer.forward(x, into: together)
            var (row, count) = (0, 1)
            while row < 300 {
                let next = min(row + count, 300)
                layer.layer.forward(x.rows(row..<next), into: alone.rows(row..<next))
                (row, count) = (next, count + 1)
            }
            let isSame = together.values == alone.values
            #expect(isSame, "[\(outputs), \(inputs)]")
        }
    }
}
