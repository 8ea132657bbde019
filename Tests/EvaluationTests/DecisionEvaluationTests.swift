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
                case "full": #expect(row.gainKept == 1 && row.actions[8] == 1)
                case "half": #expect(row.actions[3] == 1)
                case "half_guarded": #expect(row.overGuard.mean == 0)
                case "half_guarded_strictly": #expect(row.overStrictGuard.mean == 0)
                case "ppo":
                    #expect(
                        report.figures["gate.decision.gain_kept.s\(row.support)"] == row.gainKept
                            && report.figures["gate.decision.harm_material.s\(row.support)"] == row.harmMaterial)
                case "shrunk_guarded_strictly": #expect(row.actions[0] + row.actions[5] == 1)
                default: #expect(row.method == "threshold" && row.actions[0] + row.actions[3] == 1)
                }
            }
        }
        for report in [free, careful] {
            let own = report.tables.decisions.filter { $0.method == "ppo" }.map(\.harmSignificant)
            let mean = try #require(report.figures["gate.decision.harm_significant"])
            #expect(abs(mean - own.reduce(0, +) / 4) < 1e-12)
        }
        func acted(_ report: DecisionReport) -> Double {
            report.tables.decisions.filter { $0.method == "ppo" }.reduce(0) { $0 + 1 - $1.actions[0] }
        }
        #expect(acted(free) > acted(careful))
        let (low, high) = (
            free.tables.decisionRounds[0][59].multipliers, careful.tables.decisionRounds[0][59].multipliers
        )
        #expect(low.count == 4 && zip(low, high).allSatisfy { $0 < $1 })
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
        #expect(Set(report.config.learned.map(\.harmBudgets)).count > 1)
        #expect(report.tables.decisions.count == 4 * 8)
        for row in report.tables.decisions where row.method == "full" { #expect(row.actions[8] == 1) }
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
            #expect(own.heads.count == DecisionStates.moves.count && own.state.count == 22 && own.heads[0] == head)
            for (made, move) in zip(own.heads, DecisionStates.moves) {
                for (index, weight) in made.weights.enumerated() {
                    let mixed = move.general * head.weights[index] + move.own * own.heads[8].weights[index]
                    #expect(abs(weight - mixed) < 1e-5)
                }
            }
        }
        // What a state calls half the way's loss is what the guard of jobs sees.
        var settings = AdaptationSettings.unguarded(steps: 1, width: population.features.columns)
        settings.scale = 0.5
        settings.guarding = GuardSettings(smallSupportGain: 1)
        let guarded = adapt(
            PackedSupport(
                features: PreconditionedRule.plain(from: head).project(population.features, withoutData: head),
                users: supports), with: .plain(from: head), settings: settings)
        for (own, job) in zip(adapted, guarded) {
            let seen = try #require(job.leaveOut)
            #expect(abs(own.state[SupportEvidence.halfLoss] - Double(seen.adapted - seen.start)) < 1e-5)
        }
        let scale = StateScale(adapted.map(\.state))
        for column in 0..<4 {
            let mean = adapted.reduce(0) { $0 + scale($1.state)[column] } / 20
            #expect(abs(mean) < 0.3)
        }
    }

    @Test("what a support says, in numbers worked out by hand")
    func evidence() {
        let evidence = SupportEvidence(
            labels: [1, 0, 1, 0, 0], groups: [[0, 1], [2, 3], [0, 4]], general: [0, 0, 0, 0, 0],
            own: [1, -1, 1, -1, 0],
            leftOut: [[2, -2], [-1, 1], [0, 0]], length: 1.5, agreement: 0.25)
        func loss(_ margin: Double) -> Double { Foundation.log(1 + exp(-margin)) }
        let (even, size) = (loss(0), Foundation.log(5.0) - 2.4)
        let features = evidence.features
        let half: [Double] = [loss(1) - even, loss(-0.5) - even, 0]
        let mean: Double = half.reduce(0, +) / 3
        let deviation: Double = (half.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 2).squareRoot()
        let (quarter, whole) = ((loss(0.5) + loss(-0.25) - 2 * even) / 3, (loss(2) + loss(-1) - 2 * even) / 3)
        let (fit, sureness) = ((4 * loss(1) + even) / 5 - even, mean / (deviation / 3.0.squareRoot() + 0.02))
        let expected: [Double] = [quarter, mean, whole, fit, 1.5, sureness, 0.5, 0.25, 1, even, 0.1, size]
        #expect(features.count == 22)
        for (one, other) in zip(features, expected) { #expect(abs(one - other) < 1e-6, "\(features)") }
        for index in 0..<10 { #expect(abs(features[12 + index] - expected[index] * size) < 1e-6) }
    }

    @Test("the chance of harm is one half where a user's items just show it, and nothing where nothing changes")
    func chances() {
        // Three losses on one side and one on the other: t is their mean over its standard error.
        let labels: [Float] = [1, 1, 1, 0, 0, 0, 1, 0]
        let base = ScoredQuery(logits: [Float](repeating: 0, count: 8), labels: labels)
        func comparison(_ shift: Float) -> LossComparison {
            LossComparison(ScoredQuery(logits: labels.map { $0 > 0.5 ? shift : -0.1 }, labels: labels), against: base)
        }
        #expect(comparison(0).harmChance < 0.05)
        let same = LossComparison(base, against: base)
        #expect(same.t == 0 && same.harmChance == 0)
        var last = 0.0
        for shift in [0, -0.1, -0.2, -0.4, -0.8] as [Float] {
            let seen = comparison(shift)
            let isHarm = seen.t > 1.645
            #expect(seen.harmChance > last && (seen.harmChance > 0.5) == isHarm)
            last = seen.harmChance
        }
    }
}
