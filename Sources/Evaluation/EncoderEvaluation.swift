public import Adapters
public import Meta
import Model
public import Problem
public import Recipe
import Tensor

/// Judges adapters in an encoder's last block, few steps from a learned start, beside the pooled rule and beside fine-tuning at
/// full depth, on the same users.
///
/// Protocol as ``PersonalizationEvaluation``'s; learned on meta-train users, scored on validation users. Fine-tuning at full
/// depth is low-rank adapters on queries and values of every block and a head, from the head for everyone, by AdamW. Its rate is
/// the best of a grid on the scored users themselves, which favours it.
public struct EncoderEvaluation: Sendable {
    /// How fine-tuning at full depth is done.
    public struct FullDepth: Sendable, Equatable, Codable {
        /// Rank and numerator of the scale.
        public var rank = 8
        /// Of `alpha / rank`.
        public var alpha: Float = 16
        /// AdamW's.
        public var steps = 10
        /// Examples of a step.
        public var batch = 8
        /// Rates that are tried.
        public var learningRates: [Float] = [3e-4, 1e-3, 3e-3, 1e-2]

        /// The defaults.
        public init() {}
    }

    private let population: MetaPopulation
    private let texts: EncoderTexts
    private let scored: [MetaUser]
    private let fullDepth: FullDepth
    private let outer: EncoderOuterSettings
    private let threads: Int

    /// Takes users and their texts.
    ///
    /// - Parameters:
    ///   - population: a file's users.
    ///   - texts: those of the population's rows, in their order.
    ///   - threads: that compute.
    ///   - location: the file, for errors.
    /// - Throws: `no_eligible_users`.
    public init(
        _ population: MetaPopulation, _ texts: EncoderTexts, outer: EncoderOuterSettings,
        fullDepth: FullDepth = FullDepth(), threads: Int, at location: String
    ) throws(Problem) {
        precondition(texts.sequences.count == population.features.rows, "a text a row")
        (self.population, self.texts, self.outer) = (population, texts, outer)
        (self.fullDepth, self.threads) = (fullDepth, threads)
        scored = population.users.filter { ScoringProtocol.isValidation($0.id) && $0.isEligible }
        guard !scored.isEmpty else { throw PersonalizationEvaluation.noEligibleUsers(at: location) }
    }

    /// Learns the rule and scores every method.
    ///
    /// - Parameters:
    ///   - recipe: of the pooled site, learned on the same meta-train users.
    ///   - plan: what is adapted in the encoder, with a head of one score.
    ///   - progress: called while the rule is learned.
    public func run(
        _ recipe: Recipe, _ plan: AdapterPlan, progress: (OuterProgress) throws -> Void
    ) throws -> EncoderReport {
        let training = population.users.filter { !ScoringProtocol.isValidation($0.id) }
        let rule = try EncoderOuterLoop(texts, training, outer, threads: threads)
            .learn(from: recipe.rule, plan, progress: progress)
        let rows = MetaPopulation(features: population.features, users: scored)
        let pooled = AdaptationSettings.unguarded(steps: recipe.settings.steps, width: recipe.width)
        let start = fullDepthStart(head: recipe.headWithoutData)
        let lanes = (inEncoder: makeLanes(plan), atFullDepth: makeLanes(start.plan))
        var table = EncoderReport.Builder(users: scored.count, seed: outer.seed)
        for size in ScoringProtocol.supportSizes {
            table.add("global_head", size, rows.scores(under: scored.map { _ in recipe.headWithoutData }))
            table.add(
                "pooled", size,
                rows.scores(
                    under: rows.heads(
                        under: recipe.rule, settings: pooled, support: size, unadapted: recipe.headWithoutData)))
            // Once unmeasured: prefixes are then in their cache.
            _ = scores(of: size, lanes.inEncoder) { $0.adapt(to: $1, with: rule) }
            let few = scores(of: size, lanes.inEncoder) { $0.adapt(to: $1, with: rule) }
            table.add("encoder", size, few.queries, usersPerSecond: few.usersPerSecond)
            let swapped = scores(of: size, lanes.inEncoder, ofOthers: true) { $0.adapt(to: $1, with: rule) }
            table.add("swapped", size, swapped.queries)
            table.addBest(
                "full_depth", size,
                fullDepth.learningRates.map { rate in
                    let many = scores(of: size, lanes.atFullDepth) {
                        $0.adapt(
                            to: $1, from: start.parameters, steps: fullDepth.steps, batch: fullDepth.batch,
                            AdamWSettings(learningRate: rate))
                    }
                    return (rate, many.queries, many.usersPerSecond)
                })
        }
        if !plan.sparseRanges.isEmpty {
            let lora = try loraOf8(at: plan.slots.map(\.site), training, recipe, progress)
            let sizes = EncoderSizes(scored: scored, bootstrap: table.bootstrap)
            table.sizes = sizes.table(rule, lanes.inEncoder, rivalBytes: lora.bytes, rival: lora.areas)
        }
        return table.report(
            .init(
                base: texts.transformer.digest, trainingUsers: training.count, scoredUsers: scored.count,
                sites: plan.slots.map { "\($0.site) \($0.kind.name)" }, parameters: plan.parameterCount, outer: outer,
                fullDepth: fullDepth, threads: threads))
    }

    /// LoRA r = 8 at some sites from a start and by rates learned as the rule's: bytes a user in f16, and each scored user's AUC
    /// by support size.
    private func loraOf8(
        at sites: [Site], _ training: [MetaUser], _ recipe: Recipe, _ progress: (OuterProgress) throws -> Void
    ) throws -> (bytes: Int, areas: [Int: [Double]]) {
        let kind = LoRA(rank: 8, alpha: 16)
        let plan = AdapterPlan(
            texts.transformer.configuration,
            Dictionary(uniqueKeysWithValues: sites.map { ($0, kind as any AdapterKind) }), head: .binary)
        let rule = try EncoderOuterLoop(texts, training, outer, threads: threads)
            .learn(from: recipe.rule, plan, progress: progress)
        let lanes = makeLanes(plan)
        let areas = ScoringProtocol.supportSizes.map { size in
            (size, scores(of: size, lanes) { $0.adapt(to: $1, with: rule) }.queries.areas)
        }
        return (2 * plan.parameterCount, Dictionary(uniqueKeysWithValues: areas))
    }

    private func makeLanes(_ plan: AdapterPlan) -> [EncoderAdaptation] {
        (0..<threads).map { _ in EncoderAdaptation(texts, plan) }
    }

    /// Low-rank adapters on queries and values of every block, and the head for everyone.
    private func fullDepthStart(head: LinearHead) -> (plan: AdapterPlan, parameters: [Float]) {
        let shape = texts.transformer.configuration
        let sites = (0..<shape.blocks).flatMap { block in
            [Site(.query, block: block), Site(.value, block: block)]
        }
        let kind = LoRA(rank: fullDepth.rank, alpha: fullDepth.alpha)
        let plan = AdapterPlan(
            shape, Dictionary(uniqueKeysWithValues: sites.map { ($0, kind as any AdapterKind) }), head: .binary)
        var random = RandomSource(seed: outer.seed)
        return (plan, EncoderRule.start(of: plan, head: head, &random))
    }

    /// Adapts to each user's support, or to that of the user before, and scores the user's query; the rate is that of adapting
    /// alone.
    private func scores(
        of size: Int, _ lanes: [EncoderAdaptation], ofOthers: Bool = false,
        adapt: @Sendable (inout EncoderAdaptation, UserSupport) -> Void
    ) -> (queries: [ScoredQuery], usersPerSecond: Double) {
        let jobs = scored.indices.map { index in
            (user: scored[index], donor: ofOthers ? scored[(index + scored.count - 1) % scored.count] : scored[index])
        }
        let clock = ContinuousClock()
        let results = inParallel(jobs, lanes) { job, adaptation in
            let started = clock.now
            adapt(&adaptation, job.donor.support(size))
            let taken = started.duration(to: clock.now)
            let query = job.user.query
            return (ScoredQuery(logits: adaptation.logits(of: query.rows), labels: query.labels), taken)
        }
        let seconds = results.reduce(Duration.zero) { $0 + $1.1 } / .seconds(1)
        return (results.map(\.0), Double(results.count) / seconds * Double(lanes.count))
    }
}
