import Adapters
import Meta
import Tensor
import Testing

/// Steps that begin at a copy of what a user had.
@Suite struct WarmStartTests {
    /// A rule whose steps change nothing, so that what comes out is what went in.
    private func still(_ world: World) -> World {
        var world = world
        world.rule.steps = [StepParameters(logRate: -60, logBiasRate: -60, decayLogit: -60)]
        return world
    }

    /// What users get from nothing, whole.
    private func copies(_ world: World, scale: Float = 1) throws -> [RowDelta] {
        var settings = AdaptationSettings.unguarded(steps: 1, width: world.width)
        settings.scale = scale
        return try adapt(world.batch, with: world.rule, settings: settings).map {
            try #require($0.delta?.asRows)
        }
    }

    private func run(
        _ world: World, from copies: [RowDelta?], _ change: (inout AdaptationSettings) -> Void = { _ in }
    ) -> [UserAdaptation] {
        var settings = AdaptationSettings.unguarded(steps: 1, width: world.width)
        change(&settings)
        let starts = StateFinder(world.rule).starts(
            from: copies.map { $0.map(HeadDelta.rows) }, scale: settings.scale)
        return adapt(world.batch, with: world.rule, settings: settings, from: starts)
    }

    @Test("without a step a copy is published again, whatever share of the state is", arguments: [1, 0.5] as [Float])
    func copyIsKept(scale: Float) throws {
        let world = World(seed: 21)
        let had = try copies(world)
        for (copy, result) in zip(had, run(still(world), from: had) { $0.scale = scale }) {
            let (old, new) = (copy.dense(), try #require(result.delta).dense())
            #expect(zip(old.weights, new.weights).allSatisfy { abs($0 - $1) <= copy.scale + 1e-3 })
            #expect(abs(old.bias - new.bias) < 1e-5)
            #expect(abs(result.lossBefore - result.lossAfter) < 1e-5)
        }
    }

    @Test("a second step from the copy of the first is the two-step rule")
    func continues() throws {
        var two = World(seed: 22, steps: 2)
        two.rule.steps[1].logRate = -1
        var (first, second) = (two, two)
        first.rule.steps = [two.rule.steps[0]]
        second.rule.steps = [two.rule.steps[1]]
        let results = run(second, from: try copies(first))
        let whole = adapt(two.batch, with: two.rule, settings: .unguarded(steps: 2, width: two.width))
        for (result, expected) in zip(results, whole) {
            let (one, other) = (try #require(result.delta?.asRows), try #require(expected.delta?.asRows))
            let difference = zip(one.dense().weights, other.dense().weights).map { abs($0 - $1) }.max() ?? 0
            #expect(difference < 2 * (one.scale + other.scale) + 5e-3, "\(difference)")
            #expect(abs(one.bias - other.bias) < 1e-2)
        }
    }

    @Test("users without a copy are adapted as if nobody had one, and so is one whose copy fits worse than the start")
    func withoutCopies() throws {
        let world = World(seed: 23)
        let had = try copies(world)
        let opposite = try #require(
            RowDelta(
                quantizing: had[1].dense().weights.map { $0 * -4 }, keeping: Array(0..<world.width), bias: -had[1].bias)
        )
        let plain = adapt(world.batch, with: world.rule, settings: .unguarded(steps: 1, width: world.width))
        let mixed = run(world, from: [nil, opposite, had[2]])
        for user in [0, 1] {
            let (one, other) = (try #require(mixed[user].delta).dense(), try #require(plain[user].delta).dense())
            #expect(zip(one.weights, other.weights).allSatisfy { abs($0 - $1) < 1e-4 })
            #expect(mixed[user].lossBefore == plain[user].lossBefore)
        }
        #expect(mixed[2].lossBefore < plain[2].lossBefore - 0.05, "its steps begin at the copy")
    }

    @Test("where the steps from a copy are judged worse than none, or nothing judges them, the copy is the result")
    func badSteps() throws {
        let world = World(seed: 24)
        let had = try copies(world)
        var wild = world
        wild.rule.steps = [StepParameters(logRate: 4, logBiasRate: -2, decayLogit: 30)]
        // Whether steps are judged worse is the support's to say: one user's few examples speak for them.
        for (guarding, least) in [
            (GuardSettings(minimumExamples: 4, smallSupportGain: 0), 2),
            (GuardSettings(minimumExamples: 100, smallSupportGain: 0), 3),
        ] {
            let results = run(wild, from: had) { $0.guarding = guarding }
            var kept = 0
            for (copy, result) in zip(had, results) where result.lossAfter == result.lossBefore {
                let new = try #require(result.delta, "a copy stays, it is not taken away").dense()
                let old = copy.dense()
                #expect(zip(old.weights, new.weights).allSatisfy { abs($0 - $1) <= copy.scale + 1e-3 })
                kept += 1
            }
            #expect(kept >= least, "\(kept) of \(results.count)")
        }
    }
}
