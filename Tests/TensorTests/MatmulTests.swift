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

    @Test("SplitMix64 gives the published first values of seed 1234567")
    func splitMix() {
        var random = RandomSource(seed: 1_234_567)
        #expect(
            (0..<3).map { _ in random.next() } == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            ])
    }
}
