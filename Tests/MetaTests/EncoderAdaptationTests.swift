import Adapters
import Foundation
import Meta
import Model
import Synchronization
import Tensor
import Testing

@Suite struct EncoderAdaptationTests {
    /// Users who like texts by two words of their own, over texts of a tiny encoder.
    struct World {
        let texts: EncoderTexts
        var users: [MetaUser] = []
        let head: LinearHead

        init(users count: Int, seed: UInt64, cacheBytes: Int = 1 << 24) throws {
            let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .appending(path: "AdaptersTests/Fixtures/tiny-bert")
            let transformer = try Transformer(BaseFolder.open(folder.path))
            var random = RandomSource(seed: seed)
            let vocabulary = transformer.configuration.vocabularySize
            // Four words that tastes are about, in texts of other words.
            let words = (0..<4).map { Int32(vocabulary - 1 - $0) }
            var present: [[Bool]] = []
            let sequences = (0..<300).map { _ -> [Int32] in
                let has = words.map { _ in random.uniform() < 0.5 }
                present.append(has)
                let rest = (0..<2 + random.index(below: 4)).map { _ in Int32(5 + random.index(below: 40)) }
                return [0] + zip(words, has).filter(\.1).map(\.0) + rest + [1]
            }
            texts = EncoderTexts(transformer, sequences, cache: PrefixCache(byteLimit: cacheBytes))
            head = .zero(width: transformer.configuration.width)
            users = (0..<count).map { index in
                let taste = words.map { _ in random.uniform() < 0.5 ? 1 : -1 }
                let rows = (0..<72).map { _ in random.index(below: sequences.count) }
                let labels = rows.map { row -> Float in
                    let score = zip(taste, present[row]).reduce(0) { $0 + ($1.1 ? $1.0 : -$1.0) }
                    return score > 0 || (score == 0 && random.uniform() < 0.5) ? 1 : 0
                }
                return MetaUser(id: "user \(index)", rows: rows.map { Int32($0) }, labels: labels, supportCount: 32)
            }
        }

        var shape: TransformerConfiguration { texts.transformer.configuration }

        /// Adapters at some sites and a head.
        func plan(_ places: [Site.Place], block: Int? = nil) -> AdapterPlan {
            let kinds = places.map { (Site($0, block: block ?? shape.blocks - 1), kind($0)) }
            return AdapterPlan(shape, Dictionary(uniqueKeysWithValues: kinds), head: .binary)
        }

        private func kind(_ place: Site.Place) -> any AdapterKind {
            place.isProjection ? LoRA(rank: 4, alpha: 8) : Bottleneck.pfeiffer(width: 8)
        }

        /// The frozen pooled features of the texts.
        func features() throws -> Matrix {
            var pass = TransformerPass(texts.transformer, tokens: 48, longest: 48)
            let pooled = PooledOutput(shape, texts: 1)
            var features = Matrix(rows: texts.sequences.count, columns: shape.width)
            for (row, sequence) in texts.sequences.enumerated() {
                var batch = PackedBatch()
                batch.append(sequence)
                pass.run(batch, NoAdapters())
                let values = pooled.forward(pass, NoAdapters()).values
                features.values.replaceSubrange(row * shape.width..<(row + 1) * shape.width, with: values)
            }
            return features
        }

        func episode(_ user: Int, support: Int) -> Episode {
            Episode(support: users[user].support(support), query: users[user].query)
        }
    }

    /// A rule from which every gradient is of a size that differences can show.
    private func rule(_ plan: AdapterPlan, steps: Int, seed: UInt64) -> EncoderRule {
        var random = RandomSource(seed: seed)
        let start = (0..<plan.parameterCount).map { _ in Float(0.3 * random.normal()) }
        return EncoderRule(
            plan, start: start, logRates: (0..<steps).map { _ in plan.tensorRanges.map { _ in -1 } },
            supportExponent: 0.3, preconditioner: .isotropic(0.8))
    }

    private func queryLoss(
        _ episode: Episode, _ rule: EncoderRule, _ adaptation: inout EncoderAdaptation, rankingShare: Float = 0
    ) -> Double {
        adaptation.adapt(to: episode.support, with: rule)
        let query = ScoredQuery(logits: adaptation.logits(of: episode.query.rows), labels: episode.query.labels)
        return query.loss(OuterObjective(rankingShare: rankingShare))
    }

    @Test(
        "the outer gradient by a rate of the last step and by the exponent of one step is the difference of losses",
        arguments: [Float(0), 0.5, 1])
    func rateGradients(rankingShare: Float) throws {
        let world = try World(users: 3, seed: 5)
        let plan = world.plan([.feedForward])
        var adaptation = EncoderAdaptation(world.texts, plan)
        let rule = rule(plan, steps: 1, seed: 2)
        let episode = world.episode(0, support: 16)
        let gradient = EncoderOuterLoop.gradient(
            of: episode, rule, OuterObjective(rankingShare: rankingShare), &adaptation)
        #expect(gradient.count == rule.metaParameters.count)
        // Of one step nothing is neglected: first-order and exact gradients by its rates are the same.
        for index in plan.parameterCount..<gradient.count {
            var (up, down) = (rule, rule)
            up.metaParameters[index] += 1e-2
            down.metaParameters[index] -= 1e-2
            let slope =
                (queryLoss(episode, up, &adaptation, rankingShare: rankingShare)
                    - queryLoss(episode, down, &adaptation, rankingShare: rankingShare)) / 2e-2
            #expect(
                abs(slope - Double(gradient[index])) < 2e-2 * abs(slope) + 2e-4,
                "\(index): \(slope), \(gradient[index])")
        }
    }

    @Test("without a step to take, the outer gradient by the start is the query's own")
    func startGradient() throws {
        let world = try World(users: 3, seed: 6)
        let plan = world.plan([.query, .value])
        var adaptation = EncoderAdaptation(world.texts, plan)
        var rule = rule(plan, steps: 2, seed: 3)
        for step in rule.logRates.indices { rule.logRates[step] = plan.tensorRanges.map { _ in -60 } }
        let episode = world.episode(1, support: 8)
        let gradient = EncoderOuterLoop.gradient(
            of: episode, rule, OuterObjective(rankingShare: 0.5), &adaptation)
        var random = RandomSource(seed: 1)
        let direction = rule.start.map { _ in Float(random.normal()) / Float(rule.start.count).squareRoot() }
        let expected = zip(gradient, direction).reduce(0.0) { $0 + Double($1.0 * $1.1) }
        var (up, down) = (rule, rule)
        up.start = zip(rule.start, direction).map { $0 + 1e-2 * $1 }
        down.start = zip(rule.start, direction).map { $0 - 1e-2 * $1 }
        let slope =
            (queryLoss(episode, up, &adaptation, rankingShare: 0.5)
                - queryLoss(episode, down, &adaptation, rankingShare: 0.5)) / 2e-2
        #expect(abs(slope - expected) < 2e-2 * abs(slope) + 1e-4, "\(slope), \(expected)")
    }

    @Test("examples are weighed alike however they fall into parts, and a full cache changes nothing")
    func parts() throws {
        let world = try World(users: 1, seed: 7)
        let small = try World(users: 1, seed: 7, cacheBytes: 1 << 14)
        let plan = world.plan([.feedForward])
        let many = UserSupport(
            rows: (0..<200).map { Int32($0 * 7 % 300) }, labels: (0..<200).map { Float($0 % 3 == 0 ? 1 : 0) })
        let rule = rule(plan, steps: 1, seed: 4)
        var (adaptation, other) = (EncoderAdaptation(world.texts, plan), EncoderAdaptation(small.texts, plan))
        adaptation.adapt(to: UserSupport(rows: [], labels: []), with: rule)
        #expect(adaptation.parameters.values == rule.start)
        var mean = [Float](repeating: 0, count: plan.parameterCount)
        for part in 0..<20 {
            let range = part * 10..<part * 10 + 10
            let own = adaptation.meanGradient(
                of: UserSupport(rows: Array(many.rows[range]), labels: Array(many.labels[range]))
            ).gradient.values
            for index in mean.indices { mean[index] += own[index] / 20 }
        }
        let whole = adaptation.meanGradient(of: many).gradient.values
        #expect(zip(mean, whole).allSatisfy { abs($0 - $1) < 1e-5 })
        other.adapt(to: UserSupport(rows: [], labels: []), with: rule)
        #expect(other.meanGradient(of: many).gradient.values == whole)
    }

    @Test("AdamW from a start takes the batches in turn and lowers the loss, at full depth")
    func fineTunes() throws {
        let world = try World(users: 2, seed: 8)
        let plan = world.plan([.query, .value], block: 0)
        #expect(plan.cut == .tokens)
        var adaptation = EncoderAdaptation(world.texts, plan)
        var random = RandomSource(seed: 1)
        let start = EncoderRule.start(of: plan, head: world.head, &random)
        let support = world.users[0].support(32)
        adaptation.adapt(
            to: UserSupport(rows: [], labels: []), from: start, steps: 1, batch: 8, AdamWSettings(learningRate: 1e-2))
        let before = adaptation.meanGradient(of: support).loss
        adaptation.adapt(to: support, from: start, steps: 40, batch: 8, AdamWSettings(learningRate: 1e-2))
        let after = adaptation.meanGradient(of: support).loss
        #expect(abs(before - log(2)) < 1e-5 && after < before - 0.1, "\(before), \(after)")
    }

    @Test("a learned rule is better than the plain one for users it has not seen, whatever the number of threads")
    func learns() throws {
        let world = try World(users: 90, seed: 9)
        let plan = world.plan([.feedForward])
        var settings = EncoderOuterSettings()
        (settings.innerSteps, settings.usersPerStep, settings.maximumSteps) = (2, 16, 60)
        (settings.startRate, settings.scalarRate, settings.learnedFolds) = (1e-2, 5e-2, 2)
        let (known, unseen) = (Array(world.users[..<60]), Array(world.users[60...]))
        func learn(threads: Int) -> EncoderRule {
            EncoderOuterLoop(world.texts, known, settings, threads: threads).learn(from: .plain(from: world.head), plan)
            {
                #expect($0.bestLoss <= $0.loss)
            }
        }
        let learned = learn(threads: 2)
        #expect(learn(threads: 1).metaParameters == learned.metaParameters)
        var random = RandomSource(seed: 1)
        let plain = EncoderRule.following(.plain(from: world.head), plan, steps: 2, &random)
        var adaptation = EncoderAdaptation(world.texts, plan)
        func loss(_ rule: EncoderRule) -> Double {
            unseen.map { queryLoss(Episode(support: $0.support(16), query: $0.query), rule, &adaptation) }
                .reduce(0, +) / Double(unseen.count)
        }
        let (before, after) = (loss(plain), loss(learned))
        #expect(after < before - 0.02, "\(before), \(after)")
    }

    @Test("before anything is learned the first step moves the head as the rule of the pooled output does")
    func followsPooledRule() throws {
        let world = try World(users: 1, seed: 10)
        let width = world.shape.width
        var random = RandomSource(seed: 2)
        let matrix = Matrix(
            rows: width, columns: width, values: (0..<width * width).map { _ in Float(random.normal()) })
        var pooled = PreconditionedRule.plain(from: world.head)
        pooled.preconditioner = .dense(matrix)
        let support = world.users[0].support(16)
        // The pooled output: adapters that change nothing, and a head a feature.
        let plan = world.plan([.feedForward])
        var adaptation = EncoderAdaptation(world.texts, plan)
        let features = try world.features()
        let expected = adapt(
            PackedSupport(
                features: pooled.project(features, withoutData: pooled.start), users: [support]), with: pooled,
            settings: .unguarded(steps: 1, width: width))[0].delta
        let rule = EncoderRule.following(pooled, plan, steps: 1, &random)
        adaptation.adapt(to: support, with: rule)
        let head = adaptation.parameters.values.suffix(width + 1).dropLast()
        // The delta is stored in 8 bits a row.
        let dense = try #require(expected).dense().weights
        let largest = dense.reduce(0) { max($0, abs($1)) }
        #expect(zip(head, dense).allSatisfy { abs($0 - $1) < 0.01 * largest })
    }

    @Test("items are worked on by every lane and their results come in their order")
    func order() throws {
        let world = try World(users: 1, seed: 1)
        let lanes = (0..<3).map { _ in EncoderAdaptation(world.texts, world.plan([.feedForward])) }
        #expect(inParallel(Array(0..<1000), lanes) { item, _ in item * item } == (0..<1000).map { $0 * $0 })
        #expect(inParallel([Int](), lanes) { item, _ in item }.isEmpty)
    }
}
