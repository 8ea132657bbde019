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

    /// Users who like texts whose first feature is positive; or whose likes have nothing to do with the texts.
    private func population(
        users: Int, width: Int, isLearnable: Bool = true
    ) -> (features: Matrix, tails: [HeldOutTail]) {
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
                if isLearnable { features.values[row * width] = label > 0.5 ? 0.7 : -0.7 }
                rows.append(Int32(row))
                labels.append(label)
            }
            if let tail = HeldOutTail(UserSupport(rows: rows, labels: labels), newest: 128) { tails.append(tail) }
        }
        return (features, tails)
    }

    private func recipe(width: Int, _ change: (inout Recipe) -> Void = { _ in }) -> Recipe {
        var recipe = Recipe.plain(
            name: "r", baseDigest: String(repeating: "a", count: 64), head: .zero(width: width))
        recipe.settings.guarding = nil
        change(&recipe)
        return recipe
    }

    private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

    @Test(
        "a recipe that steps scores held-out examples better than no step, one that starts far off worse though it steps"
    )
    func direction() {
        let width = 16
        let (features, tails) = population(users: 40, width: width)
        func loss(_ change: (inout Recipe) -> Void) -> Double {
            mean(
                HeldOutTail.outcomes(of: tails, under: recipe(width: width, change), features: features).map(\.loss))
        }
        let right = loss { _ in }
        let none = loss { $0.settings.scale = 0 }
        // Everything is liked, so sure of it that one step does not mend it.
        let wrong = loss { recipe in
            recipe.rule.start.bias = 6
            recipe.headWithoutData = recipe.rule.start
        }
        #expect(tails.count == 40)
        #expect(right < none - 0.05, "\(right) against \(none)")
        #expect(wrong > none + 0.2, "\(wrong) against \(none)")
        #expect(abs(none - 0.6931) < 1e-3)
    }

    @Test("a recipe that learns its examples by heart is judged by those it has not seen")
    func byHeart() {
        let width = 64
        let (features, tails) = population(users: 40, width: width, isLearnable: false)
        let greedy = recipe(width: width) { recipe in
            recipe.rule.preconditioner = .isotropic(60)
            recipe.settings.scale = 1
        }
        let seen = Meta.adapt(
            PackedSupport(features: greedy.project(features), users: tails.map(\.support)), with: greedy.rule,
            settings: greedy.settings)
        let (before, after) = (mean(seen.map { Double($0.lossBefore) }), mean(seen.map { Double($0.lossAfter) }))
        let held = mean(HeldOutTail.outcomes(of: tails, under: greedy, features: features).map(\.loss))
        #expect(after < before - 0.2, "on what it adapts on, \(after) against \(before)")
        #expect(held > before + 0.2, "on what was held out, \(held) against \(before)")
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
