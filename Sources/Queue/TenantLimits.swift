public import FoundationEssentials
public import Postgres
import Schema

/// How much of a tenant may run.
public struct TenantLimit: Sendable, Equatable {
    /// The tenant's name.
    public var tenant: String
    /// One kind of its jobs; nil: all together.
    public var kind: String?
    /// Jobs leased at the same time, 1 or more; nil: no such limit.
    public var maxRunning: Int?
    /// Jobs claimed a second, above 0, with a burst of two seconds; nil: no such limit.
    public var jobsPerSecond: Double?

    /// Makes a limit; without numbers it lifts what was set.
    public init(tenant: String, kind: String? = nil, maxRunning: Int? = nil, jobsPerSecond: Double? = nil) {
        (self.tenant, self.kind) = (tenant, kind)
        (self.maxRunning, self.jobsPerSecond) = (maxRunning, jobsPerSecond)
    }
}

/// A limit as it stands.
public struct LimitStatus: Sendable, Equatable {
    /// What was set.
    public var limit: TenantLimit
    /// Whether nothing more may be claimed.
    public var isPaused: Bool
    /// Why, as the operator said.
    public var reason: String?
    /// Jobs that run.
    public var running: Int
    /// Chunks that wait for room, counted up to 20,000.
    public var parkedChunks: Int
    /// Whether there are no more than that.
    public var parkedIsExact: Bool
    /// Workers that have a part of it.
    public var grantedWorkers: Int
    /// When it was set.
    public var setAt: Date
    /// By which database role.
    public var setBy: String
}

/// Limits, pauses and weights of tenants, for operators. Refused to others by the database.
public struct TenantLimits: Sendable {
    private let pool: ConnectionPool

    /// Over a pool whose role has attune_operator.
    public init(_ pool: ConnectionPool) { self.pool = pool }

    /// Sets a tenant's limits. Refused: `bad_limit`, `unknown_tenant`, `unknown_kind`.
    public func set(_ limit: TenantLimit) async throws {
        try await pool.execute(
            Statement(SQL.Queries.setLimit),
            [
                .text(limit.tenant), .int32(limit.maxRunning.map { Int32(clamping: $0) }),
                .float(limit.jobsPerSecond.map { Float($0) }), .text(limit.kind),
            ])
    }

    /// Lets nothing more be claimed; what runs goes on.
    public func pause(_ tenant: String, kind: String?, reason: String?) async throws {
        try await pool.execute(Statement(SQL.Queries.pauseTenant), [.text(tenant), .text(kind), .text(reason)])
    }

    /// Ends a pause; false when there was none.
    @discardableResult
    public func resume(_ tenant: String, kind: String?) async throws -> Bool {
        try await pool.execute(Statement(SQL.Queries.resumeTenant), [.text(tenant), .text(kind)]).one().decode(0)
    }

    /// Sets a flow's share of service relative to others; returns what it was.
    @discardableResult
    public func setWeight(_ weight: Double, of flow: Flow, tenant: String) async throws -> Double {
        let before: Float = try await pool.execute(
            Statement(SQL.Queries.setFlow), [.text(tenant), .text(flow.rawValue), .float(Float(weight))]
        ).one().decode(0)
        return Double(before)
    }

    /// What is limited, by tenant.
    public func all() async throws -> [LimitStatus] {
        try await pool.execute(Statement(SQL.Queries.limits)).map { row in
            var limit = TenantLimit(tenant: try row.decode("tenant"), kind: try row.decode("kind"))
            limit.maxRunning = try row.decode("max_running", as: Int32?.self).map(Int.init)
            limit.jobsPerSecond = try row.decode("rate", as: Float?.self).map(Double.init)
            return LimitStatus(
                limit: limit, isPaused: try row.decode("is_paused"), reason: try row.decode("reason"),
                running: try row.decode("running"), parkedChunks: try row.decode("parked_chunks"),
                parkedIsExact: try row.decode("parked_is_exact"), grantedWorkers: try row.decode("granted_workers"),
                setAt: try row.decode("set_at"), setBy: try row.decode("set_by"))
        }
    }
}
