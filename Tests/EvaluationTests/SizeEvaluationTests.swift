import Evaluation
import Foundation
import Meta
import Problem
import Recipe
import Tensor
import Testing

@Suite struct SizeEvaluationTests {
    @Test(
        "every form is packed and scored, fewer numbers take fewer bytes, the full head keeps all, figures have their names"
    )
    func evaluates() throws {
        let population = try PersonalizationEvaluationTests.population(users: 200, seed: 6)
        let recipe = try PersonalizationEvaluationTests.recipe(population)
        let evaluation = try SizeEvaluation(population, at: "generated")
        var seen: [Int] = []
        let report = try evaluation.run(recipe) { done, _ in seen.append(done) }
        let rows = report.tables.size
        #expect(seen == Array(rows.indices) && rows.first?.form == "full.f32" && rows.last?.form == "shipped")
        func row(_ form: String) throws -> SizeReport.Row { try #require(rows.first { $0.form == form }, "\(form)") }

        // 96 bytes of header and trailer a pack, of one support size.
        let share = 96 / Double(report.config.scoredUsers)
        #expect(abs(try row("full.f32").bytesPerUser - (9 + 48 * 4 + 3 + share)) < 0.1)
        #expect(abs(try row("full.f16").bytesPerUser - (9 + 48 * 2 + 2 + share)) < 0.1)
        #expect(abs(try row("rows32.int8").bytesPerUser - (13 + 6 + 32 + 2 + share)) < 0.1)
        #expect(abs(try row("basis16.int8").bytesPerUser - (9 + 16 + 2 + share)) < 0.1)
        #expect(abs(try row("basis16.int4").bytesPerUser - (9 + 8 + 2 + share)) < 0.1)
        #expect(rows.allSatisfy { $0.areaUnderCurve.keys.sorted() == [4, 8, 16, 32] })

        let whole = try row("full.f32")
        #expect(whole.gainKept.mean == 1 && whole.gainKept.low == 1 && whole.roundingLoss99 == 0)
        #expect(try row("rows48.int8").gainKept.mean > 0.98 && row("rows16.int8").gainKept.mean < 0.98)
        #expect(try row("basis24.int8").gainKept.mean > row("basis8.int8").gainKept.mean)
        let (eight, four) = (try row("basis24.int8"), try row("basis24.int4"))
        #expect(eight.roundingLossMedian > 0 && four.roundingLossMedian > 4 * eight.roundingLossMedian)
        #expect(eight.isRoundingAccepted && four.roundingLoss99 >= four.roundingLossMedian)

        let (shipped, figures) = (try row("shipped"), report.figures)
        #expect(report.config.shipped == "basis48.int8")
        #expect(try shipped.gainKept == row("basis48.int8").gainKept)
        #expect(figures["size.bytes_per_user"] == shipped.bytesPerUser && shipped.bytesPerUser < 64)
        #expect(figures["size.gain_kept"] == shipped.gainKept.mean)
        #expect(
            figures["size.gain_kept_lower"] == shipped.gainKept.low && shipped.gainKept.low <= shipped.gainKept.mean)
        #expect(figures["size.gain_kept.s16"] == shipped.gainKeptBySize[16]?.mean)
        #expect(
            figures["size.ratio_to_dense_f16_head"] == (try row("full.f16").bytesPerUser) / shipped.bytesPerUser)
        #expect(try JSONDecoder().decode(SizeReport.self, from: JSONEncoder().encode(report)) == report)
    }

    @Test("with few users there is no basis in the recipe, and what ships are its rows")
    func withoutBasis() throws {
        let population = try PersonalizationEvaluationTests.population(users: 60, seed: 7)
        let recipe = try PersonalizationEvaluationTests.recipe(population)
        let report = try SizeEvaluation(population, at: "generated").run(recipe) { _, _ in }
        #expect(report.config.shipped == "rows")
        let (shipped, rows) = (report.tables.size.last, report.tables.size.first { $0.form == "rows32.int8" })
        #expect(shipped?.values == 32 && shipped?.bytesPerUser == rows?.bytesPerUser)
        #expect(shipped?.gainKept == rows?.gainKept)
    }

    @Test("a test file's users are scored, and nobody to score is a problem")
    func scoresTestUsers() throws {
        let population = try PersonalizationEvaluationTests.population(users: 60, seed: 4)
        let test = try PersonalizationEvaluationTests.population(users: 30, seed: 5)
        let recipe = try PersonalizationEvaluationTests.recipe(population)
        let report = try SizeEvaluation(population, test: test, at: "generated").run(recipe) { _, _ in }
        #expect(report.config.scoredUsers == 30)
        do {
            _ = try SizeEvaluation(
                MetaPopulation(features: population.features, users: []), at: "nobody")
            Issue.record("nobody to score")
        } catch { #expect(error.errorClass == "no_eligible_users") }
    }
}

@Suite struct BootstrapRatioTests {
    @Test("a ratio of sums is not the mean of ratios, its interval holds it, and a whole is 1 without doubt")
    func ratio() {
        let bootstrap = Bootstrap(users: 50, seed: 3)
        var random = RandomSource(seed: 4)
        let whole = (0..<50).map { _ in 1 + random.normal() }
        let part = whole.map { 0.5 * $0 + 0.1 * random.normal() }
        let interval = bootstrap.ratio(part, to: whole)
        #expect(abs(interval.mean - part.reduce(0, +) / whole.reduce(0, +)) < 1e-12)
        #expect(interval.low < interval.mean && interval.mean < interval.high && interval.high - interval.low < 0.2)
        let same = bootstrap.ratio(whole, to: whole)
        #expect(same.mean == 1 && same.low == 1 && same.high == 1)
        #expect(bootstrap.ratio([], to: []).mean == 0)
        #expect(bootstrap.ratio(part, to: [Double](repeating: 0, count: 50)).low == 0)
    }
}
