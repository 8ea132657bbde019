import Adapters
import Evaluation
import Gate
import Meta
import Model
import Problem
import Tensor
import Testing

@Suite struct GateEvaluationTests {
    private let methods = [
        "full", "none", "head_only", "magnitude", "magnitude_refitted", "ppo", "ppo_sampled", "hard_concrete", "random",
    ]

    @Test("every gate is scored on the same users at the bytes it stores, its price is said, and a seed repeats")
    func evaluates() throws {
        let world = try EncoderWorld()
        let recipe = try world.recipe()
        let sparse = world.sparse(recipe)
        var outer = EncoderOuterSettings()
        (outer.usersPerStep, outer.maximumSteps, outer.learnedFolds) = (16, 20, 2)
        var settings = GateEvaluation.Settings()
        (settings.users, settings.policy.rounds, settings.policy.draws, settings.hardConcrete.steps) = (8, 3, 4, 5)
        func run(threads: Int) throws -> GateReport {
            try GateEvaluation(
                world.people, world.texts, outer: outer, settings, threads: threads, at: "generated"
            ).run(recipe, sparse) { _ in }
        }
        let report = try run(threads: 2)
        for size in [4, 8, 16, 32] {
            #expect(report.tables.methods.filter { $0.support == size }.map(\.method) == methods)
        }
        // A header of 16 bytes, a mask of 8 groups, the entries of half of the groups and the head in a byte each.
        let (width, head) = (world.encoder.configuration.width, 16 + world.encoder.configuration.width)
        let sizes = sparse.groups.sizes.sorted()
        let range = Double(head + 1 + sizes.prefix(4).reduce(0, +))...Double(head + 1 + sizes.suffix(4).reduce(0, +))
        func bytes(_ method: String) -> Double {
            report.tables.methods.first { $0.method == method }?.bytes ?? 0
        }
        for method in ["ppo", "magnitude", "magnitude_refitted", "hard_concrete", "random"] {
            #expect(range.contains(bytes(method)), "\(method): \(bytes(method))")
        }
        #expect(bytes("none") == Double(16 + 32 + width) && bytes("full") == Double(16 + 64 + width))
        #expect(bytes("head_only") == Double(head + 1))
        #expect(range.contains(report.figures["gate.bytes"] ?? 0))
        #expect(report.figures["gate.ppo_evaluations"] == Double(3 * 8 * 5))
        #expect(report.figures["gate.hard_concrete_evaluations"] == Double(5 * 8))
        for method in methods {
            let mean = try #require(report.figures["gate.\(method)_auc"])
            let own = [4, 8, 16, 32].compactMap { report.figures["gate.\(method)_auc.s\($0)"] }
            #expect(abs(mean - own.reduce(0, +) / 4) < 1e-9 && mean > 0.5)
        }
        let difference = try #require(report.figures["gate.ppo_minus_magnitude"])
        let (ppo, magnitude) = (
            try #require(report.figures["gate.ppo_auc"]), try #require(report.figures["gate.magnitude_auc"])
        )
        #expect(abs(difference - (ppo - magnitude)) < 1e-9)
        let low = try #require(report.figures["gate.ppo_minus_magnitude.low"])
        #expect(low <= difference && report.tables.ships == (low > 0 ? "ppo" : "magnitude"))
        #expect(report.tables.rounds.count == 3 && report.tables.openProbabilities.count == 8)
        var again = try run(threads: 1).figures
        var first = report.figures
        for name in ["gate.ppo_seconds"] { (again[name], first[name]) = (nil, nil) }
        #expect(again == first)
    }

    @Test("users that the protocol cannot score are refused in words")
    func refuses() throws {
        let world = try EncoderWorld(users: 8, examples: 20)
        let problem = #expect(throws: Problem.self) {
            _ = try GateEvaluation(
                world.people, world.texts, outer: EncoderOuterSettings(), GateEvaluation.Settings(), threads: 1,
                at: "short")
        }
        #expect(problem?.errorClass == "no_eligible_users")
    }
}
