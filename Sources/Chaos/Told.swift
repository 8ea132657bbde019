/// What producers and operators heard from the database: promises that must hold whatever failed afterwards.
struct Told: Sendable, Equatable {
    /// A job that was acknowledged under its dedup key.
    struct Acceptance: Sendable, Equatable {
        var key: DedupKey
        /// The user it is for.
        var uid: Int64
        /// The id that the producer was given; a bulk tells none.
        var jobID: Int64?
    }

    /// A user was moved from one revision number to another (0: the recipe's start), or may have been.
    struct Rollback: Sendable, Equatable {
        var uid: Int64
        var from: Int32
        var to: Int32
    }

    /// A base began to serve a tenant.
    struct Promotion: Sendable, Equatable {
        var tenantID: Int32
        var baseID: Int32
        var epoch: Int64
    }

    /// Jobs accepted under a key.
    var accepted: [Acceptance] = []
    /// Jobs that `attune.retry` said will run.
    var retried: [Int64] = []
    /// Jobs that ended as cancelled.
    var cancelled: [Int64] = []
    /// Users whose erasure was acknowledged.
    var erased: [Int64] = []
    /// Rollbacks, those included whose reply got lost.
    var rollbacks: [Rollback] = []
    /// Promotions that were acknowledged.
    var promotions: [Promotion] = []
}
