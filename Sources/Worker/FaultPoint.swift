/// A boundary between two effects of a worker, where a test may kill or hold it.
public enum FaultPoint: String, Sendable, CaseIterable {
    /// Chunks are leased, nothing is fetched yet.
    case afterClaim
    /// Adapters exist in memory only.
    case afterAdapt
    /// The packed object is stored, no row names it yet: what is left behind is an orphan.
    case afterUploadBeforePublish
    /// The publish transaction is committed.
    case afterPublish
}

/// What happens at a ``FaultPoint``: nothing, unless a test arms it.
public typealias FaultHandler = @Sendable (FaultPoint) async -> Void
