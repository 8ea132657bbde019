public import FoundationEssentials
import Postgres

/// A campaign as people see it.
public struct CampaignStatus: Sendable, Equatable, Encodable {
    /// Its number.
    public var campaign: Int32
    /// Whose users.
    public var tenant: String
    /// The base that they are brought to.
    public var base: String
    /// The base that served when it began.
    public var fromBase: String?
    /// `adopt` or `keep`.
    public var purpose: String
    /// `running`, `paused`, `promoted`, `completed`, `cancelled`, `rolled_back`.
    public var state: String
    /// `canary`, `waves`, `sweep`, `ready`.
    public var phase: String
    /// Why it is paused.
    public var reason: String?
    /// Rises when it starts over under another recipe.
    public var round: Int
    /// The wave being fed; 0 is the canary.
    public var wave: Int
    /// Waves of this round that let it go on.
    public var wavesPassed: Int64
    /// Waves of this round that are being watched.
    public var wavesWatched: Int64
    /// Users of the tenant when it began; nil before the canary is fed.
    public var users: Int64?
    /// Jobs made so far.
    public var fed: Int64
    /// Of those, waiting or running at ``notedAt``.
    public var waiting: Int64
    /// Of those, ended.
    public var done: Int64
    /// Of those, discarded; counted up to 10,001.
    public var failed: Int64
    /// Users that the last sweep found.
    public var leftOver: Int64?
    /// Jobs ended in a second, smoothed.
    public var rate: Float?
    /// When the scheduler noted the figures.
    public var notedAt: Date?
    /// When everyone will have been fed at this rate.
    public var doneAt: Date?
    /// Whether its base may be promoted.
    public var canPromote: Bool
    /// Of the tenant's active base.
    public var epoch: Int64?
    /// The recipe of the present round.
    public var recipe: String?
    /// Users a second at most.
    public var rateLimit: Float?
    /// When it was started.
    public var createdAt: Date
    /// When its base began to serve.
    public var promotedAt: Date?
    /// Until when the way back is open.
    public var windowEndsAt: Date?
    /// When it ended.
    public var endedAt: Date?

    init(_ row: Row) throws {
        campaign = try row.decode("campaign_id")
        (tenant, base, fromBase) = (try row.decode("tenant"), try row.decode("base"), try row.decode("from_base"))
        (purpose, state, phase) = (try row.decode("purpose"), try row.decode("state"), try row.decode("phase"))
        reason = try row.decode("reason")
        round = Int(try row.decode("round", as: Int32.self))
        wave = Int(try row.decode("wave", as: Int32.self))
        (wavesPassed, wavesWatched) = (try row.decode("waves_passed"), try row.decode("waves_watched"))
        (users, fed, waiting) = (try row.decode("users"), try row.decode("fed"), try row.decode("waiting"))
        (done, failed, leftOver) = (try row.decode("done"), try row.decode("failed"), try row.decode("left_over"))
        (rate, notedAt, doneAt) = (try row.decode("rate"), try row.decode("noted_at"), try row.decode("done_at"))
        (canPromote, epoch) = (try row.decode("can_promote"), try row.decode("epoch"))
        recipe = try row.decode("recipe")
        (rateLimit, createdAt) = (try row.decode("rate_limit"), try row.decode("created_at"))
        (promotedAt, windowEndsAt) = (try row.decode("promoted_at"), try row.decode("window_ends_at"))
        endedAt = try row.decode("ended_at")
    }
}

/// How a wave was judged.
public struct WaveStatus: Sendable, Equatable, Encodable {
    /// 0 is the canary.
    public var wave: Int
    /// Users it is to have.
    public var planned: Int64
    /// Users it has.
    public var fed: Int64
    /// See ``WaveVerdict``.
    public var verdict: String
    /// Users judged at the last look.
    public var judged: Int
    /// Mean held-out loss of the new base less that of the old, nats; nil before the first look.
    public var difference: Double?
    /// Bounds of that, valid at every look; nil below ``NonInferiority/minimumUsers``.
    public var lower: Double?
    /// See ``lower``.
    public var upper: Double?
    /// Nats by which it may be worse.
    public var margin: Float
    /// How often it was looked at.
    public var looks: Int

    init(_ row: Row) throws {
        wave = Int(try row.decode("wave", as: Int32.self))
        (planned, fed, verdict) = (try row.decode("planned_users"), try row.decode("fed"), try row.decode("verdict"))
        judged = Int(try row.decode("judged", as: Int32.self))
        difference = try row.decode("difference")
        (lower, upper) = (try row.decode("lower_bound"), try row.decode("upper_bound"))
        margin = try row.decode("margin")
        looks = Int(try row.decode("looks", as: Int32.self))
    }
}
