/// What a run did and what was found.
public struct ChaosReport: Sendable, Encodable {
    /// The plan, which the seed gives again.
    public let plan: ChaosPlan
    /// Jobs there were.
    public let jobs: Int
    /// How they ended.
    public let endings: [String: Int]
    /// Revisions that were published.
    public let revisions: Int
    /// How often each kind of fault happened.
    public let faults: [String: Int]
    /// Kinds that could not happen here, and what is missing.
    public let skipped: [String: String]
    /// How often each kind of operation was acknowledged.
    public let operations: [String: Int]
    /// Operations that were refused, by kind and class of error.
    public let refusals: [String: Int]
    /// How often producers had to say something again.
    public let repeats: Int
    /// How often processes were started.
    public let starts: Int
    /// Processes that ended although nobody had killed them.
    public let unexpectedEndings: [String]
    /// What claims cost, from early to late.
    public let probes: [ClaimProbe]
    /// Jobs that were published without their lease, counted each time, where the fence was off.
    public let jobsWithoutLease: Int?
    /// Jobs with a violation that a publish without its lease made.
    public let jobsHarmed: Int
    /// Everything that must never be.
    public let violations: [Violation]
    /// From the first fault to the last outcome.
    public let seconds: Double

    /// Faults that happened.
    public var faultCount: Int { faults.values.reduce(0, +) }

    /// Violations by harm.
    public func count(_ harm: Violation.Harm) -> Int { violations.count { $0.kind.harm == harm } }
}
