public import Postgres
import Schema

/// What a campaign's users are adapted from.
public enum WarmStart: String, Sendable, CaseIterable {
    /// The new recipe's start.
    case recipe
    /// A copy of the difference that each has under the base before; both bases have the same number of features.
    case delta
}

/// How a campaign is to run; what is nil takes the database's default.
public struct CampaignOptions: Sendable, Equatable {
    /// Users of the canary, 1 to 10,000.
    public var canaryUsers: Int32?
    /// Each wave has this many times the users of the one before, 1 to 1,000.
    public var waveGrowth: Float?
    /// Users of each wave, about, that are judged on held-out tails; 0 judges nothing.
    public var judgedUsers: Int32?
    /// Nats an example by which the new base may be worse.
    public var margin: Float?
    /// Users a second at most.
    public var rateLimit: Float?
    /// Whether it is promoted when it is ready, without asking.
    public var promotesItself = false
    /// Hours in which the way back stays open.
    public var rollbackHours: Double?
    /// What users are adapted from.
    public var warmStart = WarmStart.recipe

    /// The defaults.
    public init() {}
}

/// What people do with campaigns. Every verb is one function of the database, which checks who asks.
public struct CampaignDesk: Sendable {
    private let pool: ConnectionPool

    /// A desk over a pool whose role may act for the tenant.
    public init(_ pool: ConnectionPool) { self.pool = pool }

    /// Starts a campaign and returns its number. Refused: `unknown_tenant`, `unknown_base`, `no_active_recipe`,
    /// `bad_campaign`, `already_exists`; with copies also `no_active_base`, `width_mismatch`.
    public func start(tenant: String, base: String, _ options: CampaignOptions = CampaignOptions()) async throws
        -> Int32
    {
        try await pool.execute(
            Statement(SQL.Queries.readapt),
            [
                .text(tenant), .text(base), .text("adapt"), .int32(options.canaryUsers), .float(options.waveGrowth),
                .int32(options.judgedUsers), .float(options.margin), .float(options.rateLimit),
                .bool(options.promotesItself), .double(options.rollbackHours), .text(options.warmStart.rawValue),
            ]
        ).one().decode(0)
    }

    /// Campaigns, newest first: of one tenant or of all that the caller sees.
    public func campaigns(of tenant: String? = nil) async throws -> [CampaignStatus] {
        try await pool.execute(Statement(SQL.Queries.campaigns), [.text(tenant), .int32(nil)]).map {
            try CampaignStatus($0)
        }
    }

    /// One campaign; nil when there is none of that number that the caller sees.
    public func campaign(_ number: Int32) async throws -> CampaignStatus? {
        let rows = try await pool.execute(Statement(SQL.Queries.campaigns), [.text(nil), .int32(number)])
        return try rows.oneOrNone().map { try CampaignStatus($0) }
    }

    /// How the waves of a campaign's present round were judged.
    public func waves(of campaign: Int32) async throws -> [WaveStatus] {
        try await pool.execute(Statement(SQL.Queries.campaignWaves), [.int32(campaign)]).map { try WaveStatus($0) }
    }

    /// Stops feeding it. Refused: `unknown_campaign`, `campaign_ended`.
    public func pause(_ campaign: Int32, reason: String) async throws {
        try await pool.execute(Statement(SQL.Queries.pauseCampaign), [.int32(campaign), .text(reason)])
    }

    /// Lets it go on. Refused besides: `judgement_stands`, unless `accept`.
    public func resume(_ campaign: Int32, accept: Bool) async throws {
        try await pool.execute(Statement(SQL.Queries.resumeCampaign), [.int32(campaign), .bool(accept)])
    }

    /// Ends it before its promotion; returns its state. Refused: `unknown_campaign`, `campaign_ended`.
    public func cancel(_ campaign: Int32) async throws -> String {
        try await pool.execute(Statement(SQL.Queries.cancelCampaign), [.int32(campaign)]).one().decode(0)
    }

    /// Sets how many users a second it is fed at most; nil takes the limit away.
    public func limit(_ campaign: Int32, usersPerSecond: Float?) async throws {
        try await pool.execute(Statement(SQL.Queries.limitCampaign), [.int32(campaign), .float(usersPerSecond)])
    }

    /// Makes a base serve a tenant, if its epoch is still the expected one; returns the epoch. Refused: `unknown_base`,
    /// `campaign_not_ready` unless `force`, `stale_epoch`.
    public func promote(
        base: String, for tenant: String, expectedEpoch: Int64? = nil, force: Bool = false
    ) async throws -> Int64 {
        try await pool.execute(
            Statement(SQL.Queries.promoteCampaign),
            [.text(tenant), .text(base), .int64(expectedEpoch), .bool(force)]
        ).one().decode(0)
    }

    /// Makes the base before serve a tenant again; returns the epoch. Refused: `window_closed` unless `force`, `stale_epoch`.
    public func rollback(_ tenant: String, expectedEpoch: Int64? = nil, force: Bool = false) async throws -> Int64 {
        try await pool.execute(
            Statement(SQL.Queries.rollbackBase), [.text(tenant), .int64(expectedEpoch), .bool(force)]
        ).one().decode(0)
    }
}
