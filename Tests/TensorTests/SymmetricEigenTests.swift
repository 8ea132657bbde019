import Tensor
import Testing

@Suite struct SymmetricEigenTests {
    /// `Q diag(values) Qᵀ` of a random orthonormal `Q`, row-major.
    private func matrix(_ values: [Double], seed: UInt64) -> [Double] {
        var random = RandomSource(seed: seed)
        let order = values.count
        var rows: [[Double]] = []
        while rows.count < order {
            var row = (0..<order).map { _ in random.normal() }
            // Twice, so that rounding does not stay.
            for _ in 0..<2 {
                for other in rows {
                    let share = zip(row, other).reduce(0) { $0 + $1.0 * $1.1 }
                    for column in 0..<order { row[column] -= share * other[column] }
                }
            }
            let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
            rows.append(row.map { $0 / length })
        }
        return (0..<order * order).map { place in
            (0..<order).reduce(0) { $0 + values[$1] * rows[$1][place / order] * rows[$1][place % order] }
        }
    }

    @Test("a 2 by 2 matrix has the eigenvalues of its quadratic")
    func byHand() throws {
        let eigen = try #require(SymmetricEigen([2, 1, 1, 2], order: 2))
        #expect(zip(eigen.values, [3, 1]).allSatisfy { abs($0 - $1) < 1e-12 })
        let half = 0.5.squareRoot()
        for (value, exact) in zip(eigen.vectors.map(abs), [half, half, half, half]) {
            #expect(abs(value - exact) < 1e-12)
        }
        #expect(eigen.vectors[0] * eigen.vectors[1] > 0 && eigen.vectors[2] * eigen.vectors[3] < 0)
    }

    @Test(
        "of a spectrum over six decades every value and every vector is found, largest first", arguments: [1, 2, 7, 40])
    func findsAll(order: Int) throws {
        let values = (0..<order).map { index in
            (0..<index % 7).reduce(100.0) { value, _ in value / 10 } + Double(index) * 1e-7
        }
        let matrix = matrix(values, seed: UInt64(order))
        let eigen = try #require(SymmetricEigen(matrix, order: order))
        for (found, exact) in zip(eigen.values, values.sorted(by: >)) { #expect(abs(found - exact) < 1e-10 * 100) }
        for index in 0..<order {
            let vector = Array(eigen.vectors[index * order..<(index + 1) * order])
            #expect(abs(vector.reduce(0) { $0 + $1 * $1 } - 1) < 1e-12)
            for row in 0..<order {
                let product = (0..<order).reduce(0) { $0 + matrix[row * order + $1] * vector[$1] }
                #expect(abs(product - eigen.values[index] * vector[row]) < 1e-10 * 100)
            }
        }
    }

    @Test("a matrix of low rank has as many values above zero, and no direction for the others")
    func lowRank() throws {
        let eigen = try #require(SymmetricEigen(matrix([5, 2] + [Double](repeating: 0, count: 8), seed: 3), order: 10))
        #expect(abs(eigen.values[0] - 5) < 1e-12 && abs(eigen.values[1] - 2) < 1e-12)
        #expect(eigen.values[2...].allSatisfy { $0 < 1e-12 })
        let none = try #require(SymmetricEigen([Double](repeating: 0, count: 16), order: 4))
        #expect(none.values == [0, 0, 0, 0] && none.vectors.allSatisfy { $0 == 0 })
    }

    @Test("a value that is not finite has no eigenvalues", arguments: [Double.nan, .infinity])
    func refuses(value: Double) {
        #expect(SymmetricEigen([1, value, value, 1], order: 2) == nil)
    }

    @Test("a whitened vector is as long as the matrix says, and comes back")
    func whitens() throws {
        let matrix = matrix([4, 1, 0.25, 9], seed: 5)
        let factor = try #require(CholeskyFactor(matrix, order: 4))
        let vector = [1.0, -2, 0.5, 3]
        var white = vector
        factor.whiten(&white)
        let square = (0..<16).reduce(0) { $0 + matrix[$1] * vector[$1 / 4] * vector[$1 % 4] }
        #expect(abs(white.reduce(0) { $0 + $1 * $1 } - square) < 1e-12)
        factor.unwhiten(&white)
        #expect(zip(white, vector).allSatisfy { abs($0 - $1) < 1e-12 })
    }
}
