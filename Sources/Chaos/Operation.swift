/// Something that a person or another service asks of a deployment while it suffers faults.
///
/// `pick`, within `0..<1`, chooses among the jobs or users there are at that moment.
public enum Operation: Sendable, Equatable, Codable {
    /// `attune.cancel` of a job that was accepted.
    case cancel(pick: Double)
    /// `attune.retry` of a job that was accepted.
    case retry(pick: Double)
    /// `attune.erase_user`.
    case erase(pick: Double)
    /// `attune.rollback` of a user to an earlier revision.
    case rollback(pick: Double)
    /// `attune.promote` of the tenant's other base.
    case promote(pick: Double)
    /// `attune.set_lanes`.
    case setLanes(Int)
    /// Another recipe for the tenant's jobs.
    case activateRecipe(pick: Double)
    /// `attune.readapt`: a campaign over all users of a tenant.
    case readapt(pick: Double)

    /// The name that counts are kept under.
    public enum Kind: String, Sendable, CaseIterable, Codable {
        case cancel, retry, erase, rollback, promote, setLanes, activateRecipe, readapt

        /// How often it comes relative to the others.
        var weight: Int {
            switch self {
            case .cancel: 24
            case .retry, .rollback: 16
            case .erase: 12
            case .promote, .activateRecipe: 4
            case .setLanes, .readapt: 3
            }
        }
    }

    /// The name that counts are kept under.
    public var kind: Kind {
        switch self {
        case .cancel: .cancel
        case .retry: .retry
        case .erase: .erase
        case .rollback: .rollback
        case .promote: .promote
        case .setLanes: .setLanes
        case .activateRecipe: .activateRecipe
        case .readapt: .readapt
        }
    }
}
