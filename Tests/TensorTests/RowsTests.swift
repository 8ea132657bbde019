import Tensor
import Testing

@Suite struct RowsTests {
    @Test("rows are filled and gathered, and nothing between them")
    func rows() {
        let x = FramedView(2, 2)
        fillRows(x.view, with: ([1, 2] as [Float]).span)
        #expect(x.values == [1, 2, 1, 2] && x.frameIsUntouched)
        gatherRows(([10, 11, 20, 21, 30, 31] as [Float]).span, [2, 0] as [Int32], into: x.view)
        #expect(x.values == [30, 31, 10, 11] && x.frameIsUntouched)
        let y = FramedView(3, 2)
        gatherRows(x.view, [1, 0, 1], into: y.view)
        #expect(y.values == [10, 11, 30, 31, 10, 11] && y.frameIsUntouched)
    }

    @Test("rows that are kept in order can be gathered where they lie")
    func compaction() {
        let x = FramedView(4, 3, values: [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3])
        gatherRows(x.view, [0, 2, 3], into: x.view.rows(0..<3))
        #expect(x.values == [0, 0, 0, 2, 2, 2, 3, 3, 3, 3, 3, 3] && x.frameIsUntouched)
    }

    @Test("rows are added at their indices, as often as one is named", arguments: trials)
    func scattered(columns: Int, gap: Int) {
        let x = FramedView(3, columns, values: normals(3 * columns, seed: 1), gap: gap)
        let target = FramedView(4, columns, values: normals(4 * columns, seed: 2), gap: gap)
        var exact = doubleRows(target.values, columns: columns)
        let rows = doubleRows(x.values, columns: columns)
        for (row, index) in [3, 1, 3].enumerated() { exact[index] = zip(exact[index], rows[row]).map(+) }
        addRows(x.view, to: target.view, at: [3, 1, 3])
        expectClose(target.values, exact.flatMap(\.self), within: 1e-6)
        #expect(target.frameIsUntouched && x.frameIsUntouched)
    }

    @Test("an index outside the table stops the program instead of reading past it")
    func gatherBounds() async {
        await #expect(processExitsWith: .failure) {
            gatherRows(([1, 2] as [Float]).span, [1] as [Int32], into: MatrixView(rows: 1, columns: 2))
        }
        await #expect(processExitsWith: .failure) {
            gatherRows(MatrixView(rows: 1, columns: 2), [-1], into: MatrixView(rows: 1, columns: 2))
        }
        await #expect(processExitsWith: .failure) {
            addRows(MatrixView(rows: 1, columns: 2), to: MatrixView(rows: 1, columns: 2), at: [1])
        }
    }

    @Test("sums are the same wherever they are put, and stay in their rows", arguments: trials)
    func sums(columns: Int, gap: Int) {
        let a = FramedView(3, columns, values: normals(3 * columns, seed: 3), gap: gap)
        let b = FramedView(3, columns, values: normals(3 * columns, seed: 4), gap: gap)
        let exact = zip(a.values, b.values).map(+)
        let c = FramedView(3, columns, gap: gap)
        sum(a.view, b.view, into: c.view)
        #expect(c.values == exact)
        let (first, second) = (
            FramedView(3, columns, values: a.values, gap: gap), FramedView(3, columns, values: b.values, gap: gap)
        )
        sum(first.view, b.view, into: first.view)
        sum(a.view, second.view, into: second.view)
        #expect(first.values == exact && second.values == exact)
        add(a.view, to: b.view)
        #expect(b.values == exact)
        for view in [a, b, c, first, second] { #expect(view.frameIsUntouched) }
    }

    @Test("rotations keep lengths, are none at position 0, and make products depend on the distance alone")
    func rotary() {
        let table = RotaryTable(headWidth: 6, positions: 40, base: 10_000)
        let (query, key) = (normals(6, seed: 7), normals(6, seed: 8))
        func product(_ one: Int32, _ other: Int32) -> Float {
            // Two heads a row, of which only the first is turned, and something behind them.
            let rows = MatrixView(rows: 2, columns: 13, values: query + query + [9] + key + key + [9])
            table.rotate(rows, positions: [one, other], heads: 1)
            let values = rows.values
            #expect(Array(values[6..<13]) == query + [9] && Array(values[19..<26]) == key + [9])
            return zip(values[0..<6], values[13..<19]).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let near = product(3, 5)
        for start: Int32 in 0..<38 { #expect(abs(product(start, start + 2) - near) < 1e-4) }
        #expect(abs(product(3, 9) - near) > 1e-3)
        #expect(product(0, 0) == zip(query, key).reduce(0) { $0 + $1.0 * $1.1 })
    }

    @Test("rotations follow their equation, and the inverse turns back", arguments: [2, 6, 16, 34, 64])
    func rotaryEquation(headWidth: Int) {
        let table = RotaryTable(headWidth: headWidth, positions: 50, base: 10_000)
        let x = FramedView(3, 2 * headWidth + 1, values: normals(3 * (2 * headWidth + 1), seed: 9))
        let (before, positions) = (x.values, [0, 7, 49] as [Int32])
        table.rotate(x.view, positions: positions, heads: 2)
        for (row, position) in positions.enumerated() {
            let own = doubles(before, row: row, columns: 2 * headWidth + 1)
            let exact = [0, headWidth].flatMap {
                Reference.rotated(Array(own[$0..<$0 + headWidth]), position: Int(position), base: 10_000)
            }
            expectClose(x.view.rows(row..<row + 1).columns(0..<2 * headWidth).values, exact, within: 1e-6)
        }
        table.rotate(x.view, positions: positions, heads: 2, inverse: true)
        expectClose(x.values, before.map(Double.init), within: 1e-6)
        #expect(x.frameIsUntouched)
    }

    @Test("turning back is the gradient of turning")
    func rotaryGradient() {
        let table = RotaryTable(headWidth: 8, positions: 20, base: 100)
        let (x, weights) = (normals(8, seed: 10), normals(8, seed: 11))
        let gradient = MatrixView(rows: 1, columns: 8, values: weights)
        table.rotate(gradient, positions: [13], heads: 1, inverse: true)
        let exact = centralDifferences(at: x.map(Double.init)) {
            zip(Reference.rotated($0, position: 13, base: 100), weights).reduce(0) { $0 + $1.0 * Double($1.1) }
        }
        expectClose(gradient.values, exact, within: 1e-5)
    }

    @Test("a position beyond the table stops the program")
    func rotaryBounds() async {
        await #expect(processExitsWith: .failure) {
            RotaryTable(headWidth: 2, positions: 3, base: 10).rotate(
                MatrixView(rows: 1, columns: 2), positions: [3], heads: 1)
        }
    }
}
