import Adapters
import Meta
import Recipe
import Tensor

/// A method as the K-curve sees it: users, a support size, a number of steps and a setting to scored queries.
struct CurveContestant {
    /// As it is called in figures.
    let name: String
    /// Numbers of steps it is scored after; a method without steps is scored once, and stands the same at every number.
    let steps: [Int]
    /// What is tried at each number of steps and support size, the best mean AUC of the validation users taken.
    let settings: [Float]
    /// Whether its logits are meant as such, so that its log loss says something.
    var isCalibrated = true
    /// Scores of a population's users.
    let score: (_ people: CurvePeople, _ support: Int, _ steps: Int, _ setting: Float) -> [ScoredQuery]

    /// Settings that matter at a number of steps: without a step a rate does nothing.
    func settings(at count: Int) -> [Float] { steps.count > 1 && count == 0 ? Array(settings.prefix(1)) : settings }
}

/// Users to score, as each method wants to see them.
struct CurvePeople {
    let users: MetaPopulation
    /// Features times ``scale``, then a one.
    let affine: MetaPopulation
    /// Scored by the head for everyone.
    let general: [ScoredQuery]

    /// What unit-norm features are multiplied by, as in the outer loop.
    static let scale: Float = 4

    init(_ users: MetaPopulation, general head: LinearHead) {
        self.users = users
        affine = users.affine(scale: Self.scale)
        general = users.scores(under: users.users.map { _ in head })
    }

    func batch(_ support: Int, _ context: UserContext?) -> MethodBatch {
        MethodBatch(HeadProblem(affine, support: support, OuterObjective(rankingShare: 0)), context: context)
    }
}

extension CurveContestant {
    /// Nine rates from `first` on, half a decade apart, or as many settings as are tried of anything else.
    static let triedSettings = 9

    static func halfDecades(from exponent: Double) -> [Float] {
        (0..<triedSettings).map { Float(exponential((exponent + 0.5 * Double($0)) * 2.302_585_092_994_046)) }
    }

    /// What learned rates are multiplied by.
    static let rateScales: [Float] = (-4...4).map { Float(exponential(0.25 * Double($0) * 2.302_585_092_994_046)) }

    /// Adam or SGD from a start that nothing was learned for.
    static func handMade(_ rule: HeadDescent, _ name: String, _ start: LinearHead, steps: [Int]) -> CurveContestant {
        CurveContestant(
            name: "\(rule.rawValue)_\(name)", steps: steps,
            settings: halfDecades(from: rule == .sgd ? -1 : -4)
        ) { people, size, count, rate in
            people.users.scores(
                under: people.users.users.map { user in
                    let support = OwnedExamples([user.support(size)], from: people.users.features, scale: 1)
                    let heads = rule.heads(
                        from: start, features: support.features, labels: support.labels, rate: rate, after: [count])
                    return heads.first ?? start
                })
        }
    }

    /// A method learned across users.
    ///
    /// - Parameter shufflesContexts: gives every user the context of the next: the control.
    static func learned(
        _ name: String, _ method: any HeadMethod, _ context: UserContext, steps: [Int], shufflesContexts: Bool = false
    ) -> CurveContestant {
        CurveContestant(name: name, steps: steps, settings: rateScales) { people, size, count, scale in
            var batch = people.batch(size, method is ContextMethod ? context : nil)
            if shufflesContexts {
                let width = batch.contexts.columns
                batch.contexts.values = Array(
                    batch.contexts.values.dropFirst(width) + batch.contexts.values.prefix(width))
            }
            return batch.problem.scores(at: method.states(batch, stepCount: count, rateScale: scale))
        }
    }

    /// Retrieval: two numbers of neighbours by four dampings, a setting their place in that table.
    static var neighbours: CurveContestant {
        let votes = [8, 32].flatMap { count in
            [Float(0.1), 0.4, 1.6, 6.4].map { NeighbourVote(count: count, damping: $0) }
        }
        return CurveContestant(name: "knn", steps: [0], settings: votes.indices.map { Float($0) }) {
            people, size, _, setting in
            votes[Int(setting)].scores(people.users, support: size, general: people.general)
        }
    }

    /// One head for every user: no personalisation, which at this site is also one adapter pooled over all users.
    static var globalHead: CurveContestant {
        CurveContestant(name: "global_head", steps: [0], settings: [0]) { people, _, _, _ in people.general }
    }

    /// A rule of the product's kind after all of its steps; before the first, the head without data. It has nothing to tune, so that
    /// nobody but the scored users is asked about; what it makes of a text, once for all of them, is made here.
    ///
    /// - Parameters:
    ///   - rules: by their numbers of steps.
    ///   - people: the scored users.
    ///   - swapsUsers: serves every user with the next user's head: the control.
    static func product(
        _ name: String, _ recipe: Recipe, _ rules: [Int: PreconditionedRule], of people: CurvePeople, steps: [Int],
        swapsUsers: Bool = false
    ) -> CurveContestant {
        let projected = rules.mapValues {
            $0.project(people.users.features, withoutData: recipe.headWithoutData)
        }
        return CurveContestant(name: name, steps: steps, settings: [1]) { _, size, count, _ in
            // The rule that was learned for this many steps, or for the most below it.
            guard let most = rules.keys.filter({ $0 <= count }).max(), let rule = rules[most] else {
                return people.general
            }
            var heads = people.users.heads(
                under: rule, settings: .unguarded(steps: most, width: recipe.width), support: size,
                unadapted: recipe.headWithoutData, projected: projected[most], storing: .full(.float32))
            if swapsUsers { heads = Array(heads.dropFirst() + heads.prefix(1)) }
            return people.users.scores(under: heads)
        }
    }

    /// Ridge, logistic regression or a bias of the user's own, solved to the end.
    static func closedForm(_ method: Baselines.Method, _ baselines: Baselines) -> CurveContestant {
        CurveContestant(
            name: method.rawValue, steps: [0], settings: method.penalties.map { Float($0) },
            isCalibrated: method != .ridge
        ) { people, size, _, penalty in
            people.users.scores(
                under: baselines.heads(method, for: people.users, support: size, penalty: Double(penalty)))
        }
    }
}
