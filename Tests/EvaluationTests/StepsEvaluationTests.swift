import Evaluation
import Foundation
import Meta
import Population
import Recipe
import Tensor
import Testing

@Suite struct StepsEvaluationTests {
    @Test("every number of steps is scored from every start, more steps find tastes, and figures have their names")
    func evaluates() throws {
        let population = try PersonalizationEvaluationTests.population(users: 160, seed: 4)
        let recipe = try PersonalizationEvaluationTests.recipe(population)
        let evaluation = try StepsEvaluation(population, at: "generated")
        var seen: [Int] = []
        let report = try evaluation.run(recipe) { done, all in
            #expect(all == 4 * 2 * 3)
            seen.append(done)
        }
        #expect(seen == Array(0..<24))
        #expect(report.tables.steps.count == 4 * (1 + 2 * 3 * StepsEvaluation.counts.count))
        let figures = report.figures
        for size in [4, 8, 16, 32] {
            for name in ["auc.learned", "auc.adam50", "auc.sgd50", "steps.adam50_difference_lower"] {
                #expect(figures["\(name).s\(size)"] != nil, "\(name)")
            }
            let learned = try #require(report.tables.steps.first { $0.method == "learned" && $0.support == size })
            #expect(learned.learnedOver.mean == 0 && learned.learnedOver.high == 0 && learned.rate == nil)
            let global = report.tables.steps.filter { $0.method == "adam.global_head" && $0.support == size }
            #expect(global.map(\.steps) == StepsEvaluation.counts)
            // Rates are chosen on the scored users here, so that no chosen row is worse than an untouched head by much.
            let (none, many) = (try #require(global.first), try #require(global.last))
            #expect(many.areaUnderCurve.mean > none.areaUnderCurve.mean)
            #expect(!none.isRateAtEdge)
            for rule in HeadDescent.allCases {
                let rivals = report.tables.steps.filter { $0.support == size && $0.method.hasPrefix(rule.rawValue) }
                let rates = try #require(report.config.rates[rule.rawValue])
                for row in rivals where row.steps > 0 {
                    let rate = try #require(row.rate)
                    #expect(rates.contains(rate) && row.isRateAtEdge == (rate == rates.first || rate == rates.last))
                }
                let fifty = rivals.filter { $0.steps == 50 }.map(\.areaUnderCurve.mean)
                #expect(fifty.count == 3 && figures["auc.\(rule.rawValue)50.s\(size)"] == fifty.max())
                let near = rivals.filter { $0.areaUnderCurve.mean >= learned.areaUnderCurve.mean - 0.001 }
                #expect(
                    figures["steps.\(rule.rawValue)_to_target.s\(size)"] == near.map { Double($0.steps) }.min())
            }
            let difference = try #require(figures["steps.sgd50_difference.s\(size)"])
            let sgd = try #require(figures["auc.sgd50.s\(size)"])
            #expect(abs(difference - (learned.areaUnderCurve.mean - sgd)) < 1e-9)
        }
        #expect(report.config.rates["adam"]?.count ?? 0 >= 7 && report.config.rates["sgd"]?.count ?? 0 >= 7)
    }
}
