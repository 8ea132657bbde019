import Adapters
import Problem
import Tensor
import Testing

@Suite struct BasisDeltaTests {
    static let width = 12

    /// Three orthonormal directions, whose own rows are then their projector.
    static func basis(_ precision: CoefficientPrecision, mean: Float = 0) -> HeadBasis {
        var directions = Matrix(rows: 3, columns: width)
        for row in 0..<3 { directions[row, 4 * row] = 1 }
        return HeadBasis(
            directions: directions, projector: directions, meanFeature: [Float](repeating: mean, count: width),
            precision: precision)
    }

    private func quantized(
        _ difference: [Float], bias: Float = 0, _ basis: HeadBasis
    ) -> BasisDelta? {
        let coefficients = basis.coefficients(of: Matrix(rows: 1, columns: difference.count, values: difference))
        return BasisDelta(quantizing: coefficients.values, of: difference, bias: bias, in: basis)
    }

    @Test(
        "each coefficient is off by at most half a step, and a step is at most 1/127 of bfloat16's next number in int8, 1/7 in int4",
        arguments: CoefficientPrecision.allCases, 0..<20 as Range<UInt64>)
    func roundsToHalfAStep(precision: CoefficientPrecision, seed: UInt64) throws {
        var random = RandomSource(seed: seed)
        let scale = Float(random.uniform()) * 1e3 + 1e-3
        let difference = (0..<Self.width).map { _ in Float(random.normal()) * scale }
        let basis = Self.basis(precision)
        let delta = try #require(quantized(difference, bias: 0.7, basis))
        let exact = [difference[0], difference[4], difference[8]]
        let largest = exact.map(abs).max() ?? 0
        #expect(delta.scale <= largest / Float(precision.limit) * (1 + 0x1p-7) && delta.values.contains { abs($0) > 3 })
        for (value, exact) in zip(delta.values, exact) {
            #expect(abs(value) <= precision.limit)
            #expect(abs(Float(value) * delta.scale - exact) <= delta.scale * (0.5 + 1e-5))
        }
        #expect(delta.scale.bitPattern & 0xFFFF == 0 && delta.bias.bitPattern & 0xFFFF == 0)
        #expect(abs(delta.bias - 0.7) <= 0.7 * 0x1p-8)
    }

    @Test("the bias takes up the mean of what the directions lose", arguments: CoefficientPrecision.allCases)
    func biasTakesUpTheMean(precision: CoefficientPrecision) throws {
        let basis = Self.basis(precision, mean: 0.5)
        // Row 1 lies in no direction: its mean effect of .5 · 2 must not be lost.
        var difference = [Float](repeating: 0, count: Self.width)
        (difference[0], difference[1]) = (3, 2)
        let delta = try #require(quantized(difference, bias: 0.25, basis))
        let (weights, bias) = delta.dense()
        #expect(weights[1] == 0 && abs(weights[0] - 3) <= delta.scale / 2)
        let lost = zip(difference, weights).reduce(Float(0)) { $0 + 0.5 * ($1.0 - $1.1) }
        #expect(abs(bias - (0.25 + lost)) <= abs(bias) * 0x1p-8)
        let (exact, shifted) = basis.projected(difference, bias: 0.25)
        #expect(exact[0] == 3 && exact[1] == 0 && shifted == 1.25)
    }

    @Test("a head with coefficients is the start plus the sum of their directions")
    func applies() throws {
        let start = LinearHead(weights: (0..<Self.width).map(Float.init), bias: -1)
        let basis = Self.basis(.int8)
        let stored = try BasisDelta(values: [2, -3, 127], scale: 0.5, bias: 0.5, in: basis, at: "f")
        let head = HeadDelta.coefficients(stored).applied(to: start)
        #expect(head.weights == [1, 1, 2, 3, 2.5, 5, 6, 7, 71.5, 9, 10, 11] && head.bias == -0.5)
        #expect(HeadDelta.coefficients(stored).valueCount == 3 && HeadDelta.coefficients(stored).width == 12)
    }

    @Test("a difference that is not finite, or whose numbers no bfloat16 holds, is not stored")
    func refusesNonFinite() {
        let basis = Self.basis(.int8)
        for value in [Float.nan, .infinity, -.infinity] {
            var difference = [Float](repeating: 1, count: Self.width)
            #expect(quantized(difference, bias: value, basis) == nil)
            difference[1] = value
            #expect(quantized(difference, basis) == nil, "outside the directions, too")
        }
        let zeros = quantized([Float](repeating: 0, count: Self.width), basis)
        #expect(zeros?.values == [0, 0, 0] && zeros?.scale == 0)
        #expect(quantized([Float](repeating: 0, count: Self.width), bias: .greatestFiniteMagnitude, basis) == nil)
        #expect(quantized([.greatestFiniteMagnitude] + [Float](repeating: 0, count: Self.width - 1), basis) == nil)
        let least = quantized([.leastNonzeroMagnitude] + [Float](repeating: 0, count: Self.width - 1), basis)
        #expect(least?.dense().weights.allSatisfy { $0.isFinite } == true)
    }

    @Test("what a frame holds is checked before it becomes a delta")
    func refusesMalformed() {
        func problem(_ values: [Int8], _ scale: Float, _ bias: Float, _ precision: CoefficientPrecision) -> String? {
            do {
                _ = try BasisDelta(values: values, scale: scale, bias: bias, in: Self.basis(precision), at: "f")
                return nil
            } catch { return error.errorClass }
        }
        #expect(problem([127, -127, 0], 0.5, 1, .int8) == nil)
        #expect(problem([7, -7, 0], 0.5, 1, .int4) == nil)
        #expect(problem([127, -127], 0.5, 1, .int8) == "adapter_malformed")
        #expect(problem([0, -128, 0], 0.5, 1, .int8) == "adapter_malformed")
        #expect(problem([0, -8, 0], 0.5, 1, .int4) == "adapter_malformed")
        #expect(problem([0, 8, 0], 0.5, 1, .int4) == "adapter_malformed")
        for number in [Float.nan, .infinity, 1.001] {
            #expect(problem([0, 0, 0], number, 1, .int8) == "adapter_malformed")
            #expect(problem([0, 0, 0], 0.5, number, .int8) == "adapter_malformed")
        }
        #expect(problem([0, 0, 0], -0.5, 1, .int8) == "adapter_malformed")
        #expect(problem([0, 0, 0], 0x1p127, 1, .int8) == "adapter_malformed", "127 times it overflows")
    }

    @Test("the first directions of a basis are a basis, of another precision if asked")
    func prefixes() {
        let basis = Self.basis(.int8).prefix(2, precision: .int4)
        #expect(basis.count == 2 && basis.width == 12 && basis.precision == .int4)
        #expect(basis.directions.row(1) == Self.basis(.int8).directions.row(1))
        #expect(Self.basis(.int8).prefix(9, precision: .int8) == Self.basis(.int8))
    }

    @Test("an int4 takes half a byte, an odd one more half")
    func byteCounts() {
        #expect([0, 1, 2, 24, 25].map(CoefficientPrecision.int4.byteCount) == [0, 1, 1, 12, 13])
        #expect([0, 1, 25].map(CoefficientPrecision.int8.byteCount) == [0, 1, 25])
    }
}

@Suite struct FullDeltaTests {
    @Test("weights are as they are in 32 bits, and off by a part in 2048 in 16")
    func rounds() throws {
        let weights: [Float] = [0.1, -1.5, 3.14159, 0]
        #expect(try #require(FullDelta(weights, bias: 0.3)).weights == weights)
        let half = try #require(FullDelta(weights, bias: 0.3, precision: .float16))
        #expect(half.bias == 0.3 && half.weights != weights)
        for (stored, exact) in zip(half.weights, weights) { #expect(abs(stored - exact) <= abs(exact) * 0x1p-11) }
        #expect(HeadDelta.full(half).dense().weights == half.weights && HeadDelta.full(half).valueCount == 4)
    }

    @Test("a number that is not finite, or too large for 16 bits, is not stored")
    func refuses() {
        #expect(FullDelta([1, .nan], bias: 0) == nil)
        #expect(FullDelta([1], bias: .infinity) == nil)
        #expect(FullDelta([70000], bias: 0) != nil)
        #expect(FullDelta([70000], bias: 0, precision: .float16) == nil)
        #expect(throws: Problem.self) { try FullDelta(reading: [], bias: 0, precision: .float32, at: "f") }
        #expect(throws: Problem.self) { try FullDelta(reading: [.nan], bias: 0, precision: .float32, at: "f") }
    }
}
