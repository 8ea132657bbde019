import Adapters
import Foundation
import Meta
import Model
import Tensor
import Testing

@Suite struct SparseAdaptationTests {
    private typealias World = EncoderAdaptationTests.World

    private func lastSite(_ world: World) -> Site { Site(.feedForward, block: world.shape.blocks - 1) }

    /// From a head that is not zero, so that gradients reach what is below it.
    private func rule(of world: World) -> PreconditionedRule {
        var random = RandomSource(seed: 21)
        let weights = (0..<world.shape.width).map { _ in Float(0.5 * random.normal()) }
        return .plain(from: LinearHead(weights: weights, bias: 0.1))
    }

    private func plan(_ world: World, entries: Int) -> AdapterPlan {
        var random = RandomSource(seed: 12)
        let delta = SparseDelta.random(
            entries: entries, inputs: world.shape.width, outputs: world.shape.width, &random)
        return AdapterPlan(world.shape, [lastSite(world): delta], head: .binary)
    }

    private func rule(_ plan: AdapterPlan, steps: Int, budget: Int? = nil) -> EncoderRule {
        var random = RandomSource(seed: 3)
        let start = (0..<plan.parameterCount).map { _ in Float(0.3 * random.normal()) }
        return EncoderRule(
            plan, start: start, logRates: (0..<steps).map { _ in plan.tensorRanges.map { _ in -1 } },
            supportExponent: 0.3, entryBudget: budget)
    }

    @Test("a budget keeps the entries that moved farthest before the last step; they alone take it", arguments: [1, 3])
    func budget(steps: Int) throws {
        let world = try World(users: 1, seed: 11)
        let plan = plan(world, entries: 40)
        let support = world.users[0].support(16)
        var adaptation = EncoderAdaptation(world.texts, plan)
        let free = rule(plan, steps: max(1, steps - 1))
        adaptation.adapt(to: support, with: free)
        let before = adaptation.movedEntries(from: free)
        let expected = SparseDelta.largest(10, of: before)
        let budgeted = rule(plan, steps: steps, budget: 10)
        adaptation.adapt(to: support, with: budgeted)
        let moved = adaptation.movedEntries(from: budgeted)
        #expect(adaptation.keptEntries(of: budgeted) == expected && expected.count(where: \.self) == 10)
        for (entry, value) in moved.enumerated() {
            #expect((value != 0) == expected[entry])
            if steps == 1, expected[entry] { #expect(value == before[entry]) }
        }
        // With room for all entries nothing is lost.
        let whole = rule(plan, steps: steps)
        adaptation.adapt(to: support, with: whole)
        let all = adaptation.parameters.values
        adaptation.adapt(to: support, with: rule(plan, steps: steps, budget: 40))
        #expect(adaptation.parameters.values == all)
    }

    @Test("the outer gradient by the rates of one step is the difference of losses within a budget and under a mask")
    func budgetedRates() throws {
        let world = try World(users: 1, seed: 13)
        let plan = plan(world, entries: 40)
        var adaptation = EncoderAdaptation(world.texts, plan)
        let episode = world.episode(0, support: 16)
        let objective = OuterObjective(rankingShare: 0.5)
        let rule = rule(plan, steps: 1, budget: 15)
        let gradient = EncoderOuterLoop.gradient(of: episode, rule, objective, &adaptation)
        func loss(_ rule: EncoderRule) -> Double {
            adaptation.adapt(to: episode.support, with: rule)
            return ScoredQuery(logits: adaptation.logits(of: episode.query.rows), labels: episode.query.labels)
                .loss(objective)
        }
        for index in plan.parameterCount..<gradient.count {
            var (up, down) = (rule, rule)
            up.metaParameters[index] += 1e-2
            down.metaParameters[index] -= 1e-2
            let slope = (loss(up) - loss(down)) / 2e-2
            #expect(
                abs(slope - Double(gradient[index])) < 2e-2 * abs(slope) + 2e-4,
                "\(index): \(slope), \(gradient[index])")
        }
    }

    @Test("a mask of groups holds their entries at the start and nothing else; a relaxed one moves them as far less")
    func masks() throws {
        let world = try World(users: 1, seed: 14)
        let plan = plan(world, entries: 40)
        let rule = rule(plan, steps: 1)
        let groups = EntryGroups(count: 4, groupOfEntry: (0..<40).map { $0 % 4 })
        let support = world.users[0].support(8)
        var adaptation = EncoderAdaptation(world.texts, plan)
        adaptation.adapt(to: support, with: rule)
        let (free, head) = (adaptation.movedEntries(from: rule), adaptation.movedHead(from: rule))
        adaptation.adapt(to: support, with: rule, mask: plan.mask([1, 0, 0.5, 0], groups))
        let moved = adaptation.movedEntries(from: rule)
        #expect(adaptation.movedHead(from: rule) == head)
        for entry in 0..<40 {
            let share: Float = [1, 0, 0.5, 0][entry % 4]
            #expect(abs(moved[entry] - share * free[entry]) < 1e-5)
        }
    }

    @Test("what is stored and restored scores as what was adapted, up to rounding; of left groups nothing stays")
    func stores() throws {
        let world = try World(users: 1, seed: 15)
        let plan = plan(world, entries: 40)
        let rule = rule(plan, steps: 2)
        let groups = EntryGroups(count: 4, groupOfEntry: (0..<40).map { $0 / 10 })
        var adaptation = EncoderAdaptation(world.texts, plan)
        let (support, query) = (world.users[0].support(16), world.users[0].query)
        adaptation.adapt(to: support, with: rule)
        let (adapted, moved) = (adaptation.logits(of: query.rows), adaptation.movedEntries(from: rule))
        let shape = plan.deltaShape(groups)
        let delta = try #require(
            adaptation.delta(from: rule, kept: [true, true, true, true], (.int8, .int8), shape))
        let part = try #require(
            adaptation.delta(from: rule, kept: [true, false, true, false], (.int8, .int8), shape))
        adaptation.adapt(to: UserSupport(rows: [], labels: []), with: rule)
        let start = adaptation.logits(of: query.rows)
        adaptation.restore(try SparseUserDelta(decoding: delta.encoded(), shape, at: "test"), with: rule)
        let restored = adaptation.logits(of: query.rows)
        let change = zip(adapted, start).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
        #expect(zip(restored, adapted).allSatisfy { abs($0 - $1) < 0.03 * change })
        adaptation.restore(part, with: rule)
        let kept = adaptation.movedEntries(from: rule)
        for entry in 0..<40 {
            if entry / 10 % 2 == 1 {
                #expect(kept[entry] == 0)
            } else {
                #expect(abs(kept[entry] - moved[entry]) < 0.01)
            }
        }
    }

    @Test("scores of entries are means of users' gradients, whatever the number of threads")
    func entryGradients() throws {
        let world = try World(users: 20, seed: 16)
        let site = lastSite(world)
        let pooled = rule(of: world)
        // The first run fills the cache of prefixes, whose rounding depends on which texts are computed together.
        let gradients = EntryGradients(at: site, world.texts, world.users, pooled, threads: 1)
        let isSame = EntryGradients(at: site, world.texts, world.users, pooled, threads: 2) == gradients
        #expect(isSame)
        // The same of a sparse delta of a few entries, whose rates are zero so that the head moves alone.
        let places: [(row: Int32, column: Int32)] = [(0, 1), (3, 3), (5, 0), (7, 6)]
        let support = SparseSupport(
            inputs: world.shape.width, outputs: world.shape.width, rows: places.map(\.row),
            columns: places.map(\.column))
        let plan = AdapterPlan(world.shape, [site: SparseDelta(support)], head: .binary)
        var random = RandomSource(seed: 0)
        var rule = EncoderRule.following(pooled, plan, steps: 1, &random)
        rule.logRates[0][0] = -.infinity
        var adaptation = EncoderAdaptation(world.texts, plan)
        let users = world.users.filter(\.isEligible)
        var (square, agreement) = ([Float](repeating: 0, count: 4), [Float](repeating: 0, count: 4))
        for user in users {
            adaptation.adapt(to: UserSupport(rows: [], labels: []), with: rule)
            let own = adaptation.meanGradient(of: user.support(32)).gradient.values
            adaptation.adapt(to: user.support(32), with: rule)
            let query = adaptation.meanGradient(of: user.query).gradient.values
            for entry in 0..<4 {
                square[entry] += own[entry] * own[entry] / Float(users.count)
                agreement[entry] += own[entry] * query[entry] / Float(users.count)
            }
        }
        for (entry, place) in places.enumerated() {
            let (row, column) = (Int(place.row), Int(place.column))
            #expect(square[entry] > 0)
            #expect(abs(gradients.square[row, column] - square[entry]) < 1e-4 * square[entry] + 1e-9)
            #expect(abs(gradients.agreement[row, column] - agreement[entry]) < 1e-3 * abs(square[entry]) + 1e-8)
        }
        // Rows and columns of the factored squares sum up to those of the squares.
        let factored = gradients.factoredSquare
        for row in 0..<factored.rows {
            let (own, expected) = (factored.row(row).reduce(0, +), gradients.square.row(row).reduce(0, +))
            #expect(abs(own - expected) < 1e-3 * expected + 1e-12)
        }
    }

    @Test("a support is where its score is largest, its values' gradients are of one size; chance is another choice")
    func choices() throws {
        let world = try World(users: 20, seed: 17)
        let pooled = rule(of: world)
        let gradients = EntryGradients(at: lastSite(world), world.texts, world.users, pooled, threads: 1)
        let width = world.shape.width
        for choice in SparseChoice.allCases {
            var random = RandomSource(seed: 5)
            let support = choice.support(24, of: gradients, &random)
            let places = (0..<24).map { Int(support.rows[$0]) * width + Int(support.columns[$0]) }
            #expect(places == Array(Set(places)).sorted())
            let expected: Float =
                zip(places, support.scales).reduce(Float(0)) {
                    $0 + gradients.factoredSquare.values[$1.0] * $1.1 * $1.1
                }
            #expect(abs(expected - 0.01) < 1e-5)
            let scores = choice == .gradient ? gradients.square.values : gradients.gains.values
            let chosen = Set(places)
            let least = places.reduce(Float.infinity) { min($0, scores[$1]) }
            let best = scores.indices.filter { !chosen.contains($0) }.reduce(-Float.infinity) { max($0, scores[$1]) }
            #expect((least >= best) == (choice != .random))
        }
        var settings = SparsePlan.Settings(lastSite(world))
        (settings.entries, settings.groups) = (64, 4)
        let sparse = SparsePlan(settings, world.texts, world.users, pooled, threads: 1)
        #expect(sparse.plan.sparseRanges == [0..<64] && sparse.groups.count == 4)
        #expect(sparse.groups.sizes.allSatisfy { $0 > 0 } && sparse.groups.sizes.reduce(0, +) == 64)
        settings.entries = 1 << 20
        settings.groups = 1 << 20
        let whole = SparsePlan(settings, world.texts, world.users, pooled, threads: 1)
        #expect(whole.plan.sparseRanges == [0..<width * width] && whole.groups.count == width)
    }

    @Test("sparse deltas with a budget, learned from a pooled rule, are better for unseen users than where they began")
    func learns() throws {
        let world = try World(users: 90, seed: 9)
        let (known, unseen) = (Array(world.users[..<60]), Array(world.users[60...]))
        let pooled = rule(of: world)
        var own = SparsePlan.Settings(lastSite(world))
        own.entries = 128
        let plan = SparsePlan(own, world.texts, known, pooled, threads: 2).plan
        var settings = EncoderOuterSettings()
        (settings.innerSteps, settings.usersPerStep, settings.maximumSteps) = (2, 16, 60)
        (settings.startRate, settings.scalarRate, settings.entryBudget, settings.learnedFolds) = (1e-2, 5e-2, 32, 1)
        func learn(threads: Int) -> EncoderRule {
            EncoderOuterLoop(world.texts, known, settings, threads: threads).learn(from: pooled, plan) { _ in }
        }
        let learned = learn(threads: 2)
        #expect(learned.entryBudget == 32 && learn(threads: 1).metaParameters == learned.metaParameters)
        var random = RandomSource(seed: 1)
        let plain = EncoderRule.following(pooled, plan, steps: 2, entryBudget: 32, &random)
        var adaptation = EncoderAdaptation(world.texts, plan)
        func loss(_ rule: EncoderRule) -> Double {
            unseen.map { user in
                adaptation.adapt(to: user.support(16), with: rule)
                return ScoredQuery(logits: adaptation.logits(of: user.query.rows), labels: user.query.labels).meanLoss
            }.reduce(0, +) / Double(unseen.count)
        }
        let (before, after) = (loss(plain), loss(learned))
        #expect(after < before - 0.02, "\(before), \(after)")
    }
}
