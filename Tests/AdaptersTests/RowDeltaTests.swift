import Adapters
import Problem
import Tensor
import Testing

@Suite struct RowDeltaTests {
    private let dense: [Float] = [0.5, -1.27, 0, 0.013, 1.0, -0.25, 0.75, 0.1, -0.9, 0.33]

    @Test("a delta of all rows is off by at most half a step in each row")
    func roundsToHalfAStep() throws {
        let delta = try #require(RowDelta(quantizing: dense, keeping: Array(dense.indices), bias: 0.125))
        #expect(abs(delta.scale - 0.01) < 1e-7)
        for (stored, exact) in zip(delta.dense().weights, dense) {
            #expect(abs(stored - exact) <= delta.scale * (0.5 + 1e-5))
        }
        #expect(delta.dense().bias == 0.125)
    }

    @Test("rows outside the mask are zero, the scale is that of the kept rows")
    func gatesRows() throws {
        let delta = try #require(RowDelta(quantizing: dense, keeping: [0, 3, 9], bias: 0))
        #expect(delta.rows == [0, 3, 9])
        #expect(delta.keptRows == [0b0000_1001, 0b0000_0010])
        #expect(delta.values == [127, 3, 84])
        #expect(delta.dense().weights.enumerated().allSatisfy { [0, 3, 9].contains($0.offset) || $0.element == 0 })
    }

    @Test("the neutral delta leaves a head as it is")
    func neutral() {
        let head = LinearHead(weights: dense, bias: 0.5)
        #expect(HeadDelta.zero(width: dense.count).applied(to: head) == head)
    }

    @Test("an applied delta equals the dense sum")
    func appliesDensely() throws {
        let head = LinearHead(weights: dense.map { $0 * 3 }, bias: -1)
        let delta = try #require(RowDelta(quantizing: dense, keeping: [1, 2, 8], bias: 0.25))
        let applied = HeadDelta.rows(delta).applied(to: head)
        let (weights, bias) = delta.dense()
        #expect(applied.weights == zip(head.weights, weights).map(+))
        #expect(applied.bias == head.bias + bias)
    }

    @Test("a difference that is not finite is not stored", arguments: [Float.nan, .infinity, -.infinity])
    func refusesNonFinite(value: Float) {
        #expect(RowDelta(quantizing: [0, value], keeping: [0, 1], bias: 0) == nil)
        #expect(RowDelta(quantizing: [0, 1], keeping: [0, 1], bias: value) == nil)
        #expect(RowDelta(quantizing: [0, value], keeping: [0], bias: 0) != nil)
        // Rounded to steps, the largest float is none either.
        #expect(RowDelta(quantizing: [.greatestFiniteMagnitude], keeping: [0], bias: 0) == nil)
    }

    @Test("a delta of zeros and one of the smallest floats survive")
    func tinyDeltas() throws {
        let zeros = try #require(RowDelta(quantizing: [0, 0, 0], keeping: [0, 1, 2], bias: 0))
        #expect(zeros.dense().weights == [0, 0, 0])
        let tiny = try #require(RowDelta(quantizing: [.leastNonzeroMagnitude, 0], keeping: [0, 1], bias: 0))
        #expect(tiny.dense().weights.allSatisfy { $0.isFinite })
    }

    @Test("what a file holds is checked before it becomes a delta")
    func refusesMalformed() {
        func problem(_ width: Int, _ rows: [UInt8], _ values: [Int8], _ scale: Float, _ bias: Float) -> String? {
            do {
                _ = try RowDelta(width: width, keptRows: rows, values: values, scale: scale, bias: bias, at: "f")
                return nil
            } catch { return error.errorClass }
        }
        #expect(problem(9, [1, 1], [3, 4], 0.5, 0) == nil)
        #expect(problem(9, [1], [3], 0.5, 0) == "adapter_malformed")
        #expect(problem(9, [1, 2], [3, 4], 0.5, 0) == "adapter_malformed")
        #expect(problem(9, [1, 1], [3], 0.5, 0) == "adapter_malformed")
        #expect(problem(9, [1, 1], [3, -128], 0.5, 0) == "adapter_malformed")
        #expect(problem(9, [1, 1], [3, 4], -1, 0) == "adapter_malformed")
        #expect(problem(9, [1, 1], [3, 4], .nan, 0) == "adapter_malformed")
        #expect(problem(9, [1, 1], [3, 4], .greatestFiniteMagnitude / 128, 0) == nil)
        #expect(problem(9, [1, 1], [3, 4], .greatestFiniteMagnitude / 126, 0) == "adapter_malformed", "127 overflow")
        #expect(problem(9, [1, 1], [3, 4], 1, .infinity) == "adapter_malformed")
    }
}

@Suite struct LinearHeadTests {
    @Test("a logit is the feature's product with the weights plus the bias")
    func logits() {
        let head = LinearHead(weights: [1, -2, 0.5], bias: 0.25)
        let features = Matrix(rows: 2, columns: 3, values: [1, 1, 1, 2, 0, -4])
        #expect(head.logits(of: features) == [-0.25, 0.25])
        #expect(LinearHead.zero(width: 3).logits(of: features) == [0, 0])
    }
}
