import Gate
import Testing

@Suite struct MagnitudeGateTests {
    private func rows(_ delta: [Float], budget: Int) -> [Int] {
        MagnitudeGate().mask(for: GateInput(delta: delta, supportCount: 8, rowBudget: budget)).rows
    }

    @Test("the rows of largest magnitude are kept, ascending, whatever their sign")
    func keepsLargest() {
        #expect(rows([0.1, -3, 2, 0, 2.5], budget: 2) == [1, 4])
        #expect(rows([0.1, -3, 2, 0, 2.5], budget: 3) == [1, 2, 4])
    }

    @Test("equal magnitudes are kept from the lowest row on")
    func tiesGoToTheLowestRow() {
        #expect(rows([1, -1, 1, 1, 2], budget: 3) == [0, 1, 4])
        #expect(rows([0, 0, 0], budget: 2) == [0, 1])
    }

    @Test("a budget of zero keeps nothing, one of all rows or more keeps everything")
    func extremes() {
        #expect(rows([1, 2], budget: 0) == [])
        #expect(rows([1, 2], budget: 2) == [0, 1])
        #expect(rows([1, 2], budget: 9) == [0, 1])
    }

    @Test("the choice agrees with a full sort, for every budget over random deltas with ties")
    func agreesWithSort() {
        var state: UInt32 = 7
        for width in [1, 2, 3, 17, 64] {
            for budget in 0...width {
                let delta = (0..<width).map { _ -> Float in
                    // A linear congruential generator (Numerical Recipes' constants), its upper bits.
                    state = state &* 1_664_525 &+ 1_013_904_223
                    return Float(state >> 16 & 7) - 3
                }
                let sorted = (0..<width).sorted { (abs(delta[$0]), -$0) > (abs(delta[$1]), -$1) }
                #expect(
                    rows(delta, budget: budget) == sorted.prefix(budget).sorted(), "width \(width) budget \(budget)")
            }
        }
    }
}
