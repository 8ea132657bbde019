import Adapters
import Evaluation
import Foundation
import Gate
import Meta
import Tensor
import Testing

@Suite struct DecisionEvaluationTests {
    @Test("a budget of harm is what separates acting in full from acting on some, and every rival is on the same users")
    func evaluates() throws {
        let population = try PersonalizationEvaluationTests.population(users: 160, seed: 6)
        let recipe = try PersonalizationEvaluationTests.recipe(population)
        var outer = OuterSettings()
        (outer.folds, outer.maximumSteps) = (2, 25)
        func run(_ budget: Double) throws -> DecisionReport {
            var settings = DecisionEvaluation.Settings()
            settings.policy.rounds = 60
            settings.harmBudget = budget
            return try DecisionEvaluation(population, outer: outer, settings, at: "generated").run([recipe]) { _ in }
        }
        let (free, careful) = (try run(1), try run(0))
        for report in [free, careful] {
            #expect(report.tables.decisions.count == 4 * 8 && report.tables.decisionRounds.map(\.count) == [60])
            for row in report.tables.decisions {
                #expect(abs(row.actions.reduce(0, +) - 1) < 1e-9)
                switch row.method {
                case "keep": #expect(row.gainKept == 0 && row.harmSignificant == 0 && row.actions[0] == 1)
                case "full": #expect(row.gainKept == 1 && row.actions[6] == 1)
                case "half": #expect(row.actions[2] == 1)
                case "half_guarded": #expect(row.overGuard.mean == 0)
                case "half_guarded_strictly": #expect(row.overStrictGuard.mean == 0)
                case "ppo":
                    #expect(
                        report.figures["gate.decision.gain_kept.s\(row.support)"] == row.gainKept
                            && report.figures["gate.decision.harm_material.s\(row.support)"] == row.harmMaterial)
                case "shrunk_guarded_strictly": #expect(row.actions[0] + row.actions[3] == 1)
                default: #expect(row.method == "threshold" && row.actions[0] + row.actions[2] == 1)
                }
            }
        }
        func acted(_ report: DecisionReport) -> Double {
            report.tables.decisions.filter { $0.method == "ppo" }.reduce(0) { $0 + 1 - $1.actions[0] }
        }
        #expect(acted(free) > acted(careful))
        #expect(careful.tables.decisionRounds[0].contains { $0.multiplier > 0 })
        #expect(free.tables.decisionRounds[0].last?.multiplier == 0)
    }

    @Test("cross-validated every eligible user is decided for once, by a policy learned without their part")
    func crossValidates() throws {
        let population = try PersonalizationEvaluationTests.population(users: 60, seed: 8)
        var outer = OuterSettings()
        (outer.folds, outer.maximumSteps) = (2, 25)
        var settings = DecisionEvaluation.Settings()
        settings.policy.rounds = 5
        let evaluation = try DecisionEvaluation(
            population, isCrossValidated: true, outer: outer, settings, at: "generated")
        let recipes = try evaluation.parts.map { try PersonalizationEvaluationTests.recipe(population, holding: $0) }
        let report = try evaluation.run(recipes) { _ in }
        #expect(report.config.scoredUsers == population.users.count { $0.isEligible })
        #expect(report.config.learned.count == 5 && report.tables.decisionRounds.map(\.count) == [5, 5, 5, 5, 5])
        #expect(Set(report.config.learned.map(\.harmBudget)).count > 1)
        #expect(report.tables.decisions.count == 4 * 8)
        for row in report.tables.decisions where row.method == "full" { #expect(row.actions[6] == 1) }
    }

    @Test("a state sees the support alone, and its heads are as far from the head without data as they say")
    func states() throws {
        let population = try PersonalizationEvaluationTests.population(users: 20, seed: 7)
        let head = fitGlobalHead(population, penalty: 1)
        let states = DecisionStates(rule: .plain(from: head), withoutData: head)
        let supports = population.users.map { $0.support(8) }
        let adapted = states.adapted(supports, features: population.features)
        #expect(adapted.count == 20)
        for own in adapted {
            #expect(own.heads.count == DecisionStates.moves.count && own.state.count == 12 && own.heads[0] == head)
            for (made, move) in zip(own.heads, DecisionStates.moves) {
                for (index, weight) in made.weights.enumerated() {
                    let mixed = move.general * head.weights[index] + move.own * own.heads[6].weights[index]
                    #expect(abs(weight - mixed) < 1e-5)
                }
            }
        }
        let scale = StateScale(adapted.map(\.state))
        for column in 0..<4 {
            let mean = adapted.reduce(0) { $0 + scale($1.state)[column] } / 20
            #expect(abs(mean) < 0.3)
        }
    }
}
