import Tensor
import Testing

@Suite struct OwnedRowsTests {
    @Test("each row meets its own owner's vector, at widths around the vector size", arguments: [1, 15, 16, 17, 40])
    func agreesWithLoops(width: Int) {
        var random = RandomSource(seed: 3)
        func matrix(_ rows: Int) -> Matrix {
            Matrix(rows: rows, columns: width, values: (0..<rows * width).map { _ in Float(random.normal()) })
        }
        let x = matrix(9)
        let states = matrix(3)
        let owners: [Int32] = [0, 0, 1, 2, 2, 2, 1, 0, 2]
        let weights = (0..<9).map { _ in Float(random.normal()) }
        for (row, dot) in ownedDots(x, states, owners: owners).enumerated() {
            let expected = (0..<width).reduce(0) { $0 + x[row, $1] * states[Int(owners[row]), $1] }
            #expect(abs(dot - expected) < 1e-4)
        }
        var sums = states
        addOwnedSums(x, weights: weights, owners: owners, into: &sums)
        for owner in 0..<3 {
            for column in 0..<width {
                let expected = (0..<9).filter { owners[$0] == owner }.reduce(states[owner, column]) {
                    $0 + weights[$1] * x[$1, column]
                }
                #expect(abs(sums[owner, column] - expected) < 1e-4)
            }
        }
    }
}

@Suite struct CholeskyTests {
    @Test("the solution solves the system, at every order up to 12")
    func solves() throws {
        var random = RandomSource(seed: 4)
        for order in 1...12 {
            let root = (0..<order * order).map { _ in random.normal() }
            var a = [Double](repeating: 0, count: order * order)
            for row in 0..<order {
                for column in 0..<order {
                    for inner in 0..<order {
                        a[row * order + column] += root[row * order + inner] * root[column * order + inner]
                    }
                }
                a[row * order + row] += 0.5
            }
            let b = (0..<order).map { _ in random.normal() }
            let x = try #require(solvePositiveDefinite(a, b))
            for row in 0..<order {
                let product = (0..<order).reduce(0) { $0 + a[row * order + $1] * x[$1] }
                #expect(abs(product - b[row]) < 1e-9)
            }
        }
    }

    @Test("a matrix that is not positive definite has no solution here")
    func refuses() {
        #expect(solvePositiveDefinite([1, 2, 2, 1], [1, 1]) == nil)
        #expect(solvePositiveDefinite([0], [1]) == nil)
    }
}
