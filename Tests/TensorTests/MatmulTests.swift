import Tensor
import Testing

@Suite struct MatmulTests {
    @Test("a product agrees with the sum it stands for, for every transposition")
    func agreesWithSums() {
        var random = RandomSource(seed: 1)
        for (transposeA, transposeB) in [(false, false), (false, true), (true, false), (true, true)] {
            let (m, n, k) = (5, 7, 3)
            let a = Matrix(
                rows: transposeA ? k : m, columns: transposeA ? m : k,
                values: (0..<m * k).map { _ in Float(random.normal()) })
            let b = Matrix(
                rows: transposeB ? n : k, columns: transposeB ? k : n,
                values: (0..<k * n).map { _ in Float(random.normal()) })
            let c = matmul(a, b, transposeA: transposeA, transposeB: transposeB)
            for i in 0..<m {
                for j in 0..<n {
                    var sum: Float = 0
                    for p in 0..<k { sum += (transposeA ? a[p, i] : a[i, p]) * (transposeB ? b[j, p] : b[p, j]) }
                    #expect(abs(sum - c[i, j]) < 1e-5)
                }
            }
        }
    }

    @Test("a product of views agrees with the sum it stands for, and writes nothing between its rows")
    func views() {
        for (transposeA, transposeB) in [(false, false), (false, true), (true, false), (true, true)] {
            for (m, n, k) in [(5, 7, 3), (1, 1, 1), (64, 32, 17), (3, 2, 0), (0, 4, 2)] {
                let (aRows, aColumns) = transposeA ? (k, m) : (m, k)
                let (bRows, bColumns) = transposeB ? (n, k) : (k, n)
                let a = FramedView(aRows, aColumns, values: normals(m * k, seed: 1))
                let b = FramedView(bRows, bColumns, values: normals(n * k, seed: 2), gap: 1)
                let c = FramedView(m, n, gap: 5)
                matmul(a.view, b.view, into: c.view, transposeA: transposeA, transposeB: transposeB)
                let products = (0..<m * n).map { index in
                    let (i, j) = (index / n, index % n)
                    return (0..<k).reduce(0.0) {
                        $0 + Double(transposeA ? a.view[$1, i] : a.view[i, $1])
                            * Double(transposeB ? b.view[j, $1] : b.view[$1, j])
                    }
                }
                expectClose(c.values, products, within: 1e-5)
                matmul(
                    a.view, b.view, into: c.view, transposeA: transposeA, transposeB: transposeB, alpha: 0.5, beta: 3)
                expectClose(c.values, products.map { 3.5 * $0 }, within: 1e-5)
                for view in [a, b, c] { #expect(view.frameIsUntouched) }
            }
        }
    }

    @Test("a product whose shapes do not fit stops the program")
    func viewShapes() async {
        await #expect(processExitsWith: .failure) {
            matmul(
                MatrixView(rows: 2, columns: 3), MatrixView(rows: 2, columns: 3), into: MatrixView(rows: 2, columns: 3))
        }
    }

    @Test("SplitMix64 gives the published first values of seed 1234567")
    func splitMix() {
        var random = RandomSource(seed: 1_234_567)
        #expect(
            (0..<3).map { _ in random.next() } == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            ])
    }
}
