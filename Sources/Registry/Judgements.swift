import Postgres
import Schema

/// What a worker has to know of a campaign to start its users and to judge them.
public struct CampaignBrief: Sendable, Equatable {
    /// What the users had when it began: a base's digest and its recipe.
    public struct Before: Sendable, Equatable {
        /// The base's digest, hexadecimal.
        public var base: String
        /// The recipe, as a row.
        public var recipeID: Int32
        /// The recipe's digest, hexadecimal.
        public var recipe: String

        /// States what users had.
        public init(base: String, recipeID: Int32, recipe: String) {
            self.base = base
            self.recipeID = recipeID
            self.recipe = recipe
        }
    }

    /// What the users had; nil when nothing served them.
    public var before: Before?
    /// Whether users are adapted from copies of what they had instead of the recipe's start.
    public var startsFromCopies = false

    /// States a brief.
    public init(before: Before?, startsFromCopies: Bool = false) {
        self.before = before
        self.startsFromCopies = startsFromCopies
    }
}

/// Where the bytes of what a user has under a base lie.
public struct PresentDelta: Sendable, Equatable {
    /// Which of the users asked for.
    public var index: Int
    /// The object.
    public var key: String
    /// Its bytes in the object.
    public var range: Range<Int>
    /// SHA-256 of those bytes.
    public var sha256: [UInt8]
    /// Number of features of the base.
    public var width: Int
    /// The recipe that made it.
    public var recipeID: Int32
    /// Digest of that recipe, hexadecimal.
    public var recipe: String
}

/// One user of a campaign's wave, judged.
public struct UserJudgement: Sendable, Equatable {
    /// How.
    public enum Method: String, Sendable {
        /// Both recipes adapted without the newest examples and were scored on them.
        case tail
        /// The leave-one-out loss of the adaptation against the one recorded for what the user has.
        case `guard`
    }

    /// The user.
    public var uid: Int64
    /// The user's epoch as claimed; an erased user is not judged.
    public var epoch: Int32
    /// The campaign's round.
    public var round: Int32
    /// The wave.
    public var wave: Int32
    /// How.
    public var method: Method
    /// Examples scored.
    public var examples: Int32
    /// Mean log loss under what the user had, nats an example; nil: as it was recorded.
    public var lossBefore: Double?
    /// The same under the new base and recipe.
    public var lossAfter: Double

    /// States a judgement.
    public init(
        uid: Int64, epoch: Int32, round: Int32, wave: Int32, method: Method, examples: Int32, lossBefore: Double?,
        lossAfter: Double
    ) {
        self.uid = uid
        self.epoch = epoch
        self.round = round
        self.wave = wave
        self.method = method
        self.examples = examples
        self.lossBefore = lossBefore
        self.lossAfter = lossAfter
    }
}

extension AdaptationInputs {
    /// What a worker has to know of a campaign; nil when it is gone.
    public func campaignBrief(_ campaign: Int32) async throws -> CampaignBrief? {
        guard let row = try await pool.execute(Statement(SQL.Queries.campaignBrief), [.int32(campaign)]).oneOrNone()
        else { return nil }
        var before: CampaignBrief.Before?
        if let base = try row.decode("from_base", as: String?.self),
            let recipe = try row.decode("from_recipe", as: String?.self)
        {
            before = .init(base: base, recipeID: try row.decode("from_recipe_id"), recipe: recipe)
        }
        return CampaignBrief(
            before: before, startsFromCopies: try row.decode("warm_start", as: String.self) == "delta")
    }

    /// Where what users have under a base (its digest) lies, by object; those with the recipe's start are left out.
    public func presentDeltas(of uids: [Int64], under base: String) async throws -> [PresentDelta] {
        try await pool.execute(Statement(SQL.Queries.presentDeltas), [.array(uids), .text(base)]).map { row in
            let offset = Int(try row.decode("offset", as: Int32.self))
            return PresentDelta(
                index: Int(try row.decode("pos", as: Int64.self)) - 1, key: try row.decode("key"),
                range: offset..<offset + Int(try row.decode("length", as: Int32.self)),
                sha256: try row.decode("sha256"), width: Int(try row.decode("width", as: Int32.self)),
                recipeID: try row.decode("recipe_id"), recipe: try row.decode("recipe_digest"))
        }
    }

    /// Adds judged users of a campaign, each once a wave; returns how many were new.
    @discardableResult
    public func add(_ judgements: [UserJudgement], to campaign: Int32) async throws -> Int {
        try await pool.execute(
            Statement(SQL.Queries.addJudgements),
            [
                .int32(campaign), .array(judgements.map(\.uid)), .array(judgements.map(\.epoch)),
                .array(judgements.map(\.round)), .array(judgements.map(\.wave)),
                .array(judgements.map(\.method.rawValue)), .array(judgements.map(\.examples)),
                .array(judgements.map(\.lossBefore)), .array(judgements.map(\.lossAfter)),
            ]
        ).one().decode(0)
    }
}
