import Adapters
import Gate
import Meta
import Synchronization
import Tensor

/// The row gate's problem over meta-train users: episodes drawn, masks judged by the query's loss after adapting under them.
struct GateBandit {
    let states: GateStates
    /// Groups a user keeps.
    let keptGroups: Int
    private let rule: EncoderRule
    private let sparse: SparsePlan
    private let settings: GateEvaluation.Settings
    private let lanes: [EncoderAdaptation]
    private let users: [MetaUser]

    init(
        _ rule: EncoderRule, _ sparse: SparsePlan, _ users: [MetaUser], _ settings: GateEvaluation.Settings,
        _ lanes: [EncoderAdaptation]
    ) {
        (self.rule, self.sparse, self.users, self.settings, self.lanes) = (rule, sparse, users, settings, lanes)
        keptGroups = min(max(1, Int((settings.budget * Double(sparse.groups.count)).rounded())), sparse.groups.count)
        let supports = users.filter(\.isEligible).flatMap { user in ScoringProtocol.supportSizes.map(user.support) }
        states = GateStates(rule, sparse.groups, over: supports, lanes)
    }

    private func sampler(_ seed: UInt64) -> EpisodeSampler {
        EpisodeSampler(
            users,
            .init(
                usersPerStep: settings.users, supportSizes: ScoringProtocol.supportSizes,
                queryCount: settings.queryCount), seed: seed)
    }

    /// The policy after its rounds.
    func trainPolicy<Failure>(
        _ progress: (Int, GateTrainer.Round) throws(Failure) -> Void
    ) throws(Failure) -> GateTrainer.Outcome {
        var own = settings.policy
        own.budget = Double(keptGroups) / Double(sparse.groups.count)
        var sampler = sampler(own.seed)
        // The trainer asks for the losses of those users that it was given last.
        let episodes = Mutex<[Episode]>([])
        return try GateTrainer(own).train(
            GatePolicy(features: states.count, groups: sparse.groups.count),
            contexts: { _ in
                let drawn = sampler.next() ?? []
                episodes.withLock { $0 = drawn }
                return states.states(of: drawn.map(\.support), lanes).enumerated().map {
                    GateTrainer.Context(id: $0, state: $1)
                }
            },
            losses: { trials in
                let drawn = episodes.withLock { $0 }
                return inParallel(trials, lanes) { trial, adaptation in
                    let episode = drawn[trial.id]
                    let mask = rule.plan.mask(trial.mask.map { $0 ? 1 : 0 }, sparse.groups)
                    adaptation.adapt(to: episode.support, with: rule, mask: mask)
                    return ScoredQuery(
                        logits: adaptation.logits(of: episode.query.rows), labels: episode.query.labels
                    ).meanLoss
                }
            }, progress: progress)
    }

    /// The gates for everyone: with `Δ` what the gated steps moved and `q` the query's gradient, `dL/dz_g = <q_g, Δ_g> / z_g`, the
    /// inner steps' gradients taken for constants.
    func trainHardConcrete() -> (gates: [HardConcrete], evaluations: Int) {
        var own = settings.hardConcrete
        own.target = Double(keptGroups) / Double(sparse.groups.count)
        var sampler = sampler(own.seed)
        return HardConcreteTrainer(own).train(groups: sparse.groups.count, users: settings.users) { masks, _ in
            let jobs = Array(zip(sampler.next() ?? [], masks))
            return inParallel(jobs, lanes) { job, adaptation in
                let (episode, mask) = job
                adaptation.adapt(
                    to: episode.support, with: rule, mask: rule.plan.mask(mask.map { Float($0) }, sparse.groups))
                let moved = adaptation.movedEntries(from: rule)
                let query = adaptation.meanGradient(of: episode.query).gradient.values
                var slopes = [Double](repeating: 0, count: sparse.groups.count)
                for (entry, index) in rule.plan.sparseRanges.joined().enumerated() {
                    slopes[sparse.groups.groupOfEntry[entry]] += Double(query[index] * moved[entry])
                }
                return zip(slopes, mask).map { $1 > 0 ? $0 / $1 : 0 }
            }
        }
    }
}

/// Scores the masks of one support size as users store them.
struct GateScoring {
    /// One user's scored query and stored bytes.
    typealias Stored = (query: ScoredQuery, bytes: Int)

    private let rule: EncoderRule
    private let sparse: SparsePlan
    private let users: [MetaUser]
    private let support: Int
    private let lanes: [EncoderAdaptation]
    private let shape: SparseUserDelta.Shape

    init(
        _ rule: EncoderRule, _ sparse: SparsePlan, _ users: [MetaUser], support: Int, _ lanes: [EncoderAdaptation]
    ) {
        (self.rule, self.sparse, self.users, self.support, self.lanes) = (rule, sparse, users, support, lanes)
        shape = sparse.plan.deltaShape(sparse.groups)
    }

    /// Every group, in some bits.
    func ungated(_ precision: SparseUserDelta.Precision) -> [Stored] {
        inParallel(users, lanes) { user, adaptation in
            adaptation.adapt(to: user.support(support), with: rule)
            let all = [Bool](repeating: true, count: sparse.groups.count)
            return adaptation.score(
                user, adaptation.delta(from: rule, kept: all, (precision, .int8), shape), with: rule)
        }
    }

    /// The groups that moved farthest, of an ungated adaptation.
    func pruned(keeping count: Int) -> [Stored] {
        inParallel(users, lanes) { user, adaptation in
            adaptation.adapt(to: user.support(support), with: rule)
            let norms = sparse.groups.norms(of: adaptation.movedEntries(from: rule)).map { Double($0) }
            let kept = BernoulliGroups.largest(count, of: norms)
            return adaptation.score(
                user, adaptation.delta(from: rule, kept: kept, (.int8, .int8), shape), with: rule)
        }
    }

    /// A mask from the user's number, state and groups' movements when ungated; then adapting under it.
    func masked(
        _ states: GateStates? = nil, _ choose: @Sendable (Int, [Double], [Double]) -> [Bool]
    ) -> [Stored] {
        inParallel(Array(users.enumerated()), lanes) { numbered, adaptation in
            let (number, user) = numbered
            let support = user.support(support)
            adaptation.adapt(to: support, with: rule)
            let norms = sparse.groups.norms(of: adaptation.movedEntries(from: rule)).map { Double($0) }
            let kept = choose(number, states?.state(of: support, adaptation) ?? [], norms)
            adaptation.adapt(
                to: support, with: rule, mask: rule.plan.mask(kept.map { $0 ? 1 : 0 }, sparse.groups))
            return adaptation.score(
                user, adaptation.delta(from: rule, kept: kept, (.int8, .int8), shape), with: rule)
        }
    }
}
