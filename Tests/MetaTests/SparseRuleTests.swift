import Adapters
import Meta
import Model
import Tensor
import Testing

/// What a job inside the encoder makes of a user, and whether it is published.
@Suite struct SparseRuleTests {
    private typealias World = EncoderAdaptationTests.World

    /// A rule of 40 entries that learns what a support says, kept by entries or by rows.
    private func job(
        _ world: World, kept: Int = 10, rate: Float = 0.5, _ change: (inout AdaptationSettings) -> Void = { _ in }
    ) -> SparseRule {
        var random = RandomSource(seed: 12)
        let width = world.shape.width
        let site = Site(.feedForward, block: world.shape.blocks - 1)
        let plan = AdapterPlan(
            world.shape, [site: SparseDelta.random(entries: 40, inputs: width, outputs: width, &random)], head: .binary)
        func head() -> LinearHead {
            LinearHead(weights: (0..<width).map { _ in Float(0.3 * random.normal()) }, bias: 0.1)
        }
        var settings = AdaptationSettings(
            steps: 2, rowBudget: width, maximumExamples: 32, scale: 0.5, guarding: GuardSettings(smallSupportGain: 0))
        change(&settings)
        let start = (0..<40).map { _ in Float(0.1 * random.normal()) } + head().weights + [0.2]
        let rule = EncoderRule(
            plan, start: start, logRates: [[rate, rate, rate - 1], [rate, rate, rate - 1]], supportExponent: 0.2,
            entryBudget: kept)
        return SparseRule(rule, SparseStorage(groups: .single(40), keptGroups: kept), withoutData: head(), settings)
    }

    @Test("a user is served half way from everybody's row to the fitted one, of the entries that are kept")
    func share() throws {
        let world = try World(users: 4, seed: 31)
        let texts = world.users[0].query.rows
        var adaptation = EncoderAdaptation(world.texts, job(world).rule.plan)
        for user in world.users {
            let support = user.support(16)
            let whole = job(world) { ($0.scale, $0.guarding) = (1, nil) }
            let half = job(world) { $0.guarding = nil }
            let none = job(world) { ($0.scale, $0.guarding) = (0, nil) }
            func row(_ job: SparseRule) throws -> [Float] {
                let result = adaptation.adaptation(of: support, with: job)
                let delta = try #require(result.delta)
                #expect(result.rows == 10 && delta.kept.count(where: \.self) == 10 && result.steps == 2)
                _ = adaptation.logits(of: texts, for: delta, with: job)
                return adaptation.parameters.values
            }
            let (one, middle, general) = (try row(whole), try row(half), try row(none))
            _ = adaptation.logits(of: texts, for: nil, with: whole)
            #expect(zip(general, adaptation.parameters.values).allSatisfy { abs($0 - $1) < 1e-5 })
            for index in middle.indices { #expect(abs(middle[index] - (one[index] + general[index]) / 2) < 0.02) }
        }
    }

    @Test("what is stored scores as what was adapted, read back by the shape that the rule states")
    func stored() throws {
        let world = try World(users: 6, seed: 32)
        let job = job(world) { $0.guarding = nil }
        var (one, other) = (
            EncoderAdaptation(world.texts, job.rule.plan), EncoderAdaptation(world.texts, job.rule.plan)
        )
        for user in world.users {
            let result = one.adaptation(of: user.support(16), with: job)
            let delta = try #require(result.delta)
            let read = try SparseUserDelta(decoding: delta.encoded(), job.shape, at: "test")
            #expect(read == delta)
            let support = user.support(16)
            let losses = zip(other.logits(of: support.rows, for: read, with: job), support.labels)
            let loss = ScoredQuery(logits: losses.map(\.0), labels: losses.map(\.1)).meanLoss
            #expect(abs(Float(loss) - result.lossAfter) < 1e-5 && result.lossAfter < result.lossBefore)
        }
    }

    @Test("a workspace that goes on with other texts gives what one of their own does")
    func reads() throws {
        let (world, others) = (try World(users: 3, seed: 33), try World(users: 3, seed: 33))
        let job = job(world)
        var random = RandomSource(seed: 3)
        let cache = PrefixCache(byteLimit: 1 << 22)
        // The same texts in another order, as the next delivery numbers them.
        let order = random.permutation(world.texts.sequences.count)
        let numbers = Dictionary(uniqueKeysWithValues: order.enumerated().map { (Int32($1), Int32($0)) })
        let texts = EncoderTexts(
            world.texts.transformer, order.map { world.texts.sequences[$0] }, cache: cache)
        texts.keepPrefixes(before: job.rule.plan.cut)
        let misses = cache.statistics.misses
        var own = EncoderAdaptation(texts, job.rule.plan)
        var workspace = EncoderAdaptation(
            EncoderTexts(world.texts.transformer, [], cache: cache), job.rule.plan,
            longestTokens: 32)
        for user in others.users {
            let support = user.support(12)
            let renamed = UserSupport(rows: support.rows.map { numbers[$0] ?? 0 }, labels: support.labels)
            workspace.read(texts)
            #expect(workspace.adaptation(of: renamed, with: job) == own.adaptation(of: renamed, with: job))
        }
        #expect(misses == texts.sequences.count && cache.statistics.misses == misses, "nobody waits for kept rows")
    }

    @Test("the guard publishes what holds for texts left out, hardly what does not; switched off it publishes all")
    func guards() throws {
        let world = try World(users: 1, seed: 34)
        let strict = GuardSettings(smallSupportGain: 0, tolerance: 0)
        let guarded = job(world, kept: 40, rate: 0) { ($0.scale, $0.guarding) = (1, strict) }
        let free = job(world, kept: 40, rate: 0) { ($0.scale, $0.guarding) = (1, nil) }
        var adaptation = EncoderAdaptation(world.texts, guarded.rule.plan)
        var (taste, noise) = (0, 0)
        for user in 0..<40 {
            // Six texts come five times each, in every part that is left out; a text of a taste always has one label.
            let rows = (0..<30).map { Int32(7 * user + $0 % 6) }
            let own = UserSupport(rows: rows, labels: (0..<30).map { Float($0 % 2) })
            let shuffled = UserSupport(rows: rows, labels: (0..<30).map { Float(($0 + $0 / 6) % 2) })
            let result = adaptation.adaptation(of: own, with: guarded)
            let losses = try #require(result.leaveOut)
            #expect((result.delta != nil) == (losses.adapted <= losses.start))
            taste += result.delta == nil ? 0 : 1
            noise += adaptation.adaptation(of: shuffled, with: guarded).delta == nil ? 0 : 1
            let unguarded = adaptation.adaptation(of: shuffled, with: free)
            #expect(unguarded.delta != nil && unguarded.leaveOut == nil)
        }
        #expect(taste > 20 && noise < 15, "\(taste) of a taste, \(noise) of noise")
    }

    @Test("below the guard's least support the recipe's validated gain decides, and what diverges is kept")
    func small() throws {
        let world = try World(users: 1, seed: 35)
        let support = UserSupport(rows: Array(world.users[0].rows.prefix(2)), labels: [1, 0])
        let trusted = job(world) { $0.guarding?.smallSupportGain = 0.01 }
        var adaptation = EncoderAdaptation(world.texts, trusted.rule.plan)
        let result = adaptation.adaptation(of: support, with: trusted)
        #expect(result.delta != nil && result.leaveOut == nil && result.examples == 2)
        #expect(adaptation.adaptation(of: support, with: job(world)).verdict == .kept(.tooFewExamples))
        let diverging = adaptation.adaptation(of: world.users[0].support(16), with: job(world, rate: 80))
        #expect(diverging.verdict == .kept(.notFinite) && diverging.rows == 0)
        let newest = adaptation.adaptation(of: world.users[0].support(32), with: job(world) { $0.maximumExamples = 8 })
        #expect(newest.examples == 8)
    }
}
