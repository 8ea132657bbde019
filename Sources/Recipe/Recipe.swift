public import Adapters
public import Gate
public import Meta
public import Model
public import Problem
public import Tensor

/// The product of meta-training: what every adaptation under one base starts from and how it steps.
public struct Recipe: Sendable, Equatable {
    /// What people call it.
    public var name: String
    /// The base whose features it was learned on; adapting on any other is refused (I6).
    public var baseDigest: String
    /// The start and the steps.
    public var rule: PreconditionedRule
    /// The head of a user without an adapter: the one head for everyone, better than the rule's unadapted start.
    public var headWithoutData: LinearHead
    /// The directions that users' differences are stored along; nil: rows are stored.
    public var basis: HeadBasis?
    /// What users' behaviour says about texts, beside the texts' own features; nil: a text is judged by what it says.
    public var items: ItemVectors?
    /// What users adapt inside the encoder; nil: they adapt a head over pooled features.
    ///
    /// One part more rather than another case of everything: the head of users without data, the preconditioner and the pooled
    /// rule that learning began at are there either way.
    public var sparse: SparsePart?
    /// How a job adapts.
    public var settings: AdaptationSettings
    /// The figures it was accepted on.
    public var validation: ValidationFigures

    /// The kinds of adapter that recipes make.
    public enum Kind: String, Sendable, CaseIterable, Codable {
        /// A head over pooled features.
        case pooledHead = "pooled_head"
        /// A sparse delta inside the encoder and a head.
        case sparseEncoder = "sparse_encoder"
    }

    /// The kind of adapter it makes.
    public var kind: Kind { sparse == nil ? .pooledHead : .sparseEncoder }

    /// Assembles a recipe.
    public init(
        name: String, baseDigest: String, rule: PreconditionedRule, headWithoutData: LinearHead,
        basis: HeadBasis? = nil, items: ItemVectors? = nil, sparse: SparsePart? = nil, settings: AdaptationSettings,
        validation: ValidationFigures
    ) {
        precondition(rule.width == headWithoutData.width, "one width")
        precondition(basis.map { $0.width == rule.width } ?? true, "a basis of the rule's width")
        precondition((items?.count ?? 0) < rule.width, "features of texts beside those of items")
        precondition(
            sparse.map { $0.width == rule.width && basis == nil && items == nil } ?? true,
            "neither basis nor items inside the encoder")
        self.name = name
        self.baseDigest = baseDigest
        self.rule = rule
        self.headWithoutData = headWithoutData
        self.basis = basis
        self.items = items
        self.sparse = sparse
        self.settings = settings
        self.validation = validation
    }

    /// A recipe that nothing was meta-trained for: plain steps from one head, the guard trusting no support below four.
    public static func plain(name: String, baseDigest: String, head: LinearHead) -> Recipe {
        Recipe(
            name: name, baseDigest: baseDigest, rule: .plain(from: head), headWithoutData: head,
            settings: AdaptationSettings(
                steps: 1, rowBudget: head.width, maximumExamples: 128, scale: 0.5,
                guarding: GuardSettings(smallSupportGain: 0)),
            validation: ValidationFigures(users: 0, rows: []))
    }

    /// Number of features of a text, those of ``items`` among them.
    public var width: Int { rule.width }

    /// Number of features that the base makes of a text.
    public var baseWidth: Int { width - (items?.count ?? 0) }

    /// Chooses the stored rows where there is no basis.
    public var gate: any RowGate { MagnitudeGate() }

    /// What users' stored bytes are read in.
    public var deltaSpace: DeltaSpace { sparse.map { .sparse($0.shape) } ?? .head(basis: basis) }

    /// In what form users' differences of a head are stored.
    public var form: DeltaForm { basis.map(DeltaForm.coefficients) ?? .rows(gate) }

    /// Refuses a base that the recipe was not learned on.
    ///
    /// - Throws: `base_mismatch`, naming both.
    public func check(baseDigest other: String, at location: String) throws(Problem) {
        guard other == baseDigest else {
            throw Problem(
                "base_mismatch", at: location,
                "recipe \(name) was learned on base \(baseDigest.prefix(8))…, this is base \(other.prefix(8))….",
                do: "activate a recipe of this base, or meta-train one.")
        }
    }

    /// The head over pooled features that a user is served with.
    ///
    /// - Parameter delta: the user's adapter, nil without one.
    public func head(of delta: HeadDelta?) -> LinearHead { delta?.applied(to: publishedStart) ?? headWithoutData }

    /// What users' differences are added to.
    public var publishedStart: LinearHead {
        rule.publishedStart(withoutData: headWithoutData, share: settings.scale)
    }

    /// Texts' features as the rule takes them.
    ///
    /// - Parameters:
    ///   - pooled: `[texts, baseWidth]`, of unit norm.
    ///   - digests: of the same texts; asked only where there are ``items``.
    /// - Returns: `[texts, width]`.
    public func features(_ pooled: Matrix, of digests: @autoclosure () -> [TextDigest]) -> Matrix {
        items?.beside(pooled, of: digests()) ?? pooled
    }

    /// A population's users, features as the rule takes them.
    public func population(_ people: MetaPopulation) -> MetaPopulation { items.map(people.appending) ?? people }

    /// The same recipe without ``items``: what it makes of the texts alone, rows stored.
    public var textOnly: Recipe {
        guard items != nil else { return self }
        var recipe = self
        (recipe.items, recipe.basis) = (nil, nil)
        (recipe.rule, recipe.headWithoutData) = (rule.first(baseWidth), headWithoutData.first(baseWidth))
        recipe.settings.rowBudget = min(settings.rowBudget, baseWidth)
        return recipe
    }

    /// What adaptation needs of texts' features, `[texts, width]`.
    public func project(_ features: Matrix) -> ProjectedFeatures {
        rule.project(features, withoutData: headWithoutData)
    }
}

/// What a recipe scored on the validation users of its data; they had no part in learning it.
public struct ValidationFigures: Sendable, Equatable, Codable {
    /// One number of steps at one support size.
    public struct Row: Sendable, Equatable, Codable {
        /// Inner steps; 0 is the head without data.
        public var steps: Int
        /// Support size.
        public var support: Int
        /// Mean area under the curve over users, guard off.
        public var areaUnderCurve: Double
        /// Mean query log loss over users, nats, guard off.
        public var logLoss: Double

        /// States one row.
        public init(steps: Int, support: Int, areaUnderCurve: Double, logLoss: Double) {
            self.steps = steps
            self.support = support
            self.areaUnderCurve = areaUnderCurve
            self.logLoss = logLoss
        }
    }

    /// How many users were scored.
    public var users: Int
    /// By steps, then by support size; empty when no user of the data could be scored.
    public var rows: [Row]

    /// States figures.
    public init(users: Int, rows: [Row]) {
        self.users = users
        self.rows = rows
    }
}
