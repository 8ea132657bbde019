/// When a worker with nothing to do looks for lanes of others, and which it claims from next (QUEUE rule 25): a value
/// over times of a clock that only rises, in seconds.
///
/// Looks are two seconds apart, and up to half a minute while they find nothing, with jitter: many workers may idle at
/// once. A lane is left when a claim from it finds nothing.
package struct HelpForOthers: Sendable {
    private var lanes: [Int32: LaneMark] = [:]
    private var nextLook: Double?
    private var pause = 2.0
    private var random: any RandomNumberGenerator & Sendable

    /// The generator gives the jitter.
    package init(random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()) { self.random = random }

    /// Whether it is time to ask which lanes need help; the first time two seconds after it was asked first.
    package mutating func wantsLanes(at seconds: Double) -> Bool {
        guard lanes.isEmpty else { return false }
        let jitter = Double.random(in: 0.75...1.25, using: &random)
        guard let due = nextLook else {
            nextLook = seconds + pause * jitter
            return false
        }
        guard seconds >= due else { return false }
        nextLook = seconds + pause * jitter
        return true
    }

    /// Learns which lanes need help.
    package mutating func note(_ found: [Int32: LaneMark]) {
        lanes = found
        pause = found.isEmpty ? min(30, pause * 1.5) : 2
    }

    /// The claim to make now; nil when no lane is known to need help.
    package func nextClaim(workerID: Int64) -> ClaimRequest? {
        guard let (lane, mark) = lanes.min(by: { $0.value < $1.value }) else { return nil }
        var request = ClaimRequest(workerID: workerID, lane: lane)
        request.mark = mark
        return request
    }

    /// Learns what a claim gave.
    package mutating func note(_ result: ClaimResult, of request: ClaimRequest) {
        let found = !result.chunks.isEmpty || result.endedJobs > 0
        lanes[request.lane] = found && !result.needsEmptyHands ? result.mark : nil
    }
}
