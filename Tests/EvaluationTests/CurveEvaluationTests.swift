import Adapters
import Evaluation
import Foundation
import Meta
import Recipe
import Tensor
import Testing

@Suite struct CurveEvaluationTests {
    @Test(
        "every method is scored at every number of steps, figures have their names, the report reads as Markdown and SVG"
    )
    func evaluates() throws {
        let population = try PersonalizationEvaluationTests.population(users: 120, seed: 8)
        let recipe = try PersonalizationEvaluationTests.recipe(population)
        var seen: [Int] = []
        let report = try CurveEvaluation(population, at: "generated")
            .run(recipe, settings: CurveSettings(seed: 1, isQuick: true)) { done, _ in seen.append(done) }
        #expect(seen == Array(seen.indices) && seen.count == 14)
        let (rows, figures) = (report.tables.curve, report.figures)
        let stepped = [
            "product", "rule", "maml", "fomaml", "reptile", "multi_step", "meta_sgd", "meta_sgd_rows",
            "learned_optimizer", "learned_optimizer_es", "basis", "basis_shuffled", "adam_global", "adam_zero",
            "adam_random", "sgd_global", "sgd_zero", "sgd_random", "product_swapped",
        ]
        let single = ["global_head", "knn", "user_bias", "ridge", "logistic", "hypernetwork", "hypernetwork_shuffled"]
        #expect(Set(rows.map(\.method)) == Set(stepped + single))
        for size in [4, 8, 16, 32] {
            for method in stepped + single {
                for count in CurveSettings.stepCounts {
                    let value = try #require(figures["curve.\(method).k\(count).s\(size)"], "\(method) \(count)")
                    #expect((0...1).contains(value))
                }
            }
            // The recipe takes one step: what comes after is the same, and before it is the head without data.
            #expect(figures["curve.product.k10.s\(size)"] == figures["curve.product.k1.s\(size)"])
            #expect(figures["curve.product.k0.s\(size)"] == figures["curve.global_head.k0.s\(size)"])
            #expect(figures["curve.rule.k1.s\(size)"] == figures["curve.product.k1.s\(size)"])
            #expect(figures["curve.sgd_global.k0.s\(size)"] == figures["curve.global_head.k0.s\(size)"])
            for whose in ["", ".stored", ".published", ".logistic"] {
                #expect(figures["curve.membership_auc\(whose).s\(size)"] != nil)
            }
            let (low, high) = (
                try #require(figures["curve.gain_p5.s\(size)"]), try #require(figures["curve.gain_p95.s\(size)"])
            )
            #expect(low <= high)
        }
        let product = try #require(figures["curve.product.k1.s32"])
        #expect(product > (try #require(figures["curve.product_swapped.k1.s32"])) + 0.03)
        #expect(
            product
                == (try PersonalizationEvaluation(population, at: "generated").run([recipe])).figures["auc.product.s32"]
        )
        for row in rows where row.method == "ridge" { #expect(row.overRidge.mean == 0 && row.gain == nil) }
        for row in rows where row.method == "product" {
            #expect(row.productOver.mean == 0 || row.steps == 0)
            #expect(row.setting == nil && !row.isSettingAtEdge)
        }
        #expect(report.config.isTunedOnScoredUsers)

        for target in report.tables.targets {
            let sums = CurveSettings.stepCounts.filter { count in
                rows.filter { $0.method == target.method && $0.steps == count }.reduce(0) { $0 + $1.overRidge.mean }
                    >= 0
            }
            #expect(target.steps == sums.min())
            #expect(figures["curve.steps_to_target.\(target.method)"] == target.steps.map { Double($0) })
        }
        let page = report.markdown
        for title in ["## S = 4 examples", "## Steps and time", "## Harm and gain", "## Controls", "## Membership"] {
            #expect(page.contains(title))
        }
        #expect(page.contains("| maml | 0."))
        let plot = report.qualityPlot
        #expect(plot.hasPrefix("<svg") && plot.contains("S = 32 examples") && plot.contains("inner steps K"))
        // Sixteen methods in four panels.
        #expect(plot.matches(of: /<polyline/).count == 64)
        #expect(try JSONDecoder().decode(CurveReport.self, from: JSONEncoder().encode(report)) == report)
    }

    @Test("an attack finds examples that heads learned by heart, and nothing where nothing was learned")
    func membership() {
        var random = RandomSource(seed: 9)
        let width = 64
        let features = Matrix(
            rows: 56, columns: width, values: (0..<56 * width).map { _ in Float(random.normal() / 8) })
        let users = (0..<10).map { user in
            MetaUser(
                id: "u\(user)", rows: (0..<56).map { Int32($0) },
                labels: (0..<56).map { _ in Float(random.index(below: 2)) }, supportCount: 16)
        }
        let population = MetaPopulation(features: features, users: users)
        let general = LinearHead.zero(width: width)
        let learned = population.users.map {
            UserSystem($0.support(8), of: population).ridge(around: general, penalty: 0.01)
        }
        let found = MembershipInference.areas(population, heads: learned, general: general, support: 8)
        #expect(meanOverUsers(found) ?? 0 > 0.9)
        let same = MembershipInference.areas(
            population, heads: users.map { _ in general }, general: general, support: 8)
        #expect(same.allSatisfy { $0 == 0.5 })
    }

    @Test("near examples vote, far ones do not, and with damping the head for everyone has a say")
    func neighbours() {
        let features = Matrix(rows: 4, columns: 2, values: [1, 0, 0, 1, 0.8, 0.6, 0.6, 0.8])
        let user = MetaUser(id: "u", rows: [0, 1, 2, 3], labels: [1, 0, 1, 0], supportCount: 2)
        let population = MetaPopulation(features: features, users: [user])
        let general = [ScoredQuery(logits: [0, 0], labels: [1, 0])]
        func logits(_ count: Int, _ damping: Float) -> [Float] {
            NeighbourVote(count: count, damping: damping).scores(population, support: 2, general: general)[0].logits
        }
        // Similarities .8 and .6, then .6 and .8.
        let both = logits(2, 0)
        #expect(abs(both[0] - log(0.8 / 0.6)) < 1e-5 && abs(both[1] + log(0.8 / 0.6)) < 1e-5)
        let damped = logits(1, 0.8)
        #expect(abs(damped[0] - log(0.75 / 0.25)) < 1e-5 && abs(damped[1] + log(0.75 / 0.25)) < 1e-5)
        #expect(logits(2, 1e6).allSatisfy { abs($0) < 1e-5 })
    }
}
