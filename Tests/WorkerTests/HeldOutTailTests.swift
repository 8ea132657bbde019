import Adapters
import Meta
import Recipe
import Tensor
import Testing
import Worker

/// How a campaign's users are judged.
@Suite struct HeldOutTailTests {
    private func support(_ labels: [Float]) -> UserSupport {
        UserSupport(rows: labels.indices.map { Int32($0) }, labels: labels)
    }

    @Test("the newest quarter is held out, two to thirty-two examples, and never adapted on")
    func cut() throws {
        for count in [8, 9, 16, 40, 200] {
            let tail = try #require(
                HeldOutTail(support((0..<count).map { Float($0 % 2) }), newest: 1000), "\(count) examples")
            #expect(tail.rows.count == min(32, max(2, count / 4)))
            #expect(tail.support.rows.map { Int($0) } + tail.rows == Array(0..<count))
        }
        let limited = try #require(HeldOutTail(support((0..<40).map { Float($0 % 2) }), newest: 16))
        #expect(limited.support.rows == (24..<36).map { Int32($0) } && limited.rows == Array(36..<40))
    }

    @Test("users with too few examples, or one class before the cut, are not judged")
    func unfit() {
        #expect(HeldOutTail(support([1, 0, 1, 0, 1, 0, 1]), newest: 100) == nil)
        #expect(HeldOutTail(support([1, 1, 1, 1, 1, 1, 0, 0]), newest: 100) == nil)
    }

    /// Users who like texts whose first feature is positive.
    private func population(users: Int, width: Int) -> (features: Matrix, tails: [HeldOutTail]) {
        var random = RandomSource(seed: 5)
        var features = Matrix(rows: users * 16, columns: width)
        var tails: [HeldOutTail] = []
        for user in 0..<users {
            var rows: [Int32] = []
            var labels: [Float] = []
            for example in 0..<16 {
                let (row, label) = (user * 16 + example, Float(example % 2))
                for column in 0..<width {
                    features.values[row * width + column] = Float(random.uniform() - 0.5) / Float(width).squareRoot()
                }
                features.values[row * width] = label > 0.5 ? 0.7 : -0.7
                rows.append(Int32(row))
                labels.append(label)
            }
            if let tail = HeldOutTail(UserSupport(rows: rows, labels: labels), newest: 128) { tails.append(tail) }
        }
        return (features, tails)
    }

    @Test(
        "a recipe that steps scores held-out examples better than no step, a head that takes likes for dislikes worse"
    )
    func direction() {
        let width = 16
        let (features, tails) = population(users: 40, width: width)
        func mean(_ change: (inout Recipe) -> Void) -> Double {
            var recipe = Recipe.plain(
                name: "r", baseDigest: String(repeating: "a", count: 64), head: .zero(width: width))
            recipe.settings.guarding = nil
            change(&recipe)
            let losses = HeldOutTail.outcomes(of: tails, under: recipe, features: features).map(\.loss)
            return losses.reduce(0, +) / Double(losses.count)
        }
        let right = mean { _ in }
        let none = mean { $0.settings.scale = 0 }
        // A head that scores everyone's likes as dislikes is what a planted bad recipe does.
        let wrong = mean { recipe in
            recipe.rule.start.weights[0] = -4
            recipe.headWithoutData = recipe.rule.start
            recipe.settings.scale = 0
        }
        #expect(tails.count == 40)
        #expect(right < none - 0.05, "\(right) against \(none)")
        #expect(wrong > none + 0.2, "\(wrong) against \(none)")
        #expect(abs(none - 0.6931) < 1e-3)
    }

    @Test("a mark is read as the feed writes it, and nothing else is a mark")
    func marks() {
        #expect(JudgeMark(Array("attune.judge/1 2 3".utf8)) != nil)
        #expect(JudgeMark(Array("attune.judge/1 2 3".utf8))?.wave == 3)
        for other in ["attune.judge/2 2 3", "attune.judge/1 2", "attune.judge/1 x 3", "", "{\"wave\": 1}"] {
            #expect(JudgeMark(Array(other.utf8)) == nil)
        }
        #expect(JudgeMark(nil) == nil)
    }
}
