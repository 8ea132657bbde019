/// Which lane a worker claims next, and from where: the lane heads it has seen, as a value without a clock or a database.
///
/// A lane is read on from its mark, so that what was claimed or has died before it is not read again. A transaction that
/// commits late, or a job that comes back, may put a chunk before the mark; hence each lane is swept, every quarter of a
/// second, for chunks before it that the sweep before could not see. A lane is read from its start when it is new and
/// every minute.
///
/// Such a reading only looks: a worker that took its fill of every new lane in turn would serve the last one many seconds
/// later, whatever waits at its head.
///
/// A lane whose claim fails is left alone for a second, then for longer each time, while the others go on: what is wrong with
/// one chunk stops one lane.
///
/// What a sweep finds is older than what the heads are, so sweeps come first; but there may be no end of it, as where a
/// limited tenant always has room for a little more. So after a quarter of a second of such work the heads get as much.
public struct LaneSchedule: Sendable {
    private struct Lane {
        var mark = LaneMark.start
        var next: LaneMark?
        /// Sweeps look for what could not be seen then; nil until the first read.
        var lateSince: Horizon?
        var sweptAt = -Double.infinity
        /// The last sweep found something, and there may be more.
        var hasMore = false
        var rescannedAt = -Double.infinity
        var isBlocked = false
        var failures = 0
        var putOffUntil = -Double.infinity
    }

    private var lanes: [Int32: Lane] = [:]
    private var serverStart: Double?
    /// Seconds spent on what sweeps found, less those spent on other things since.
    private var lateSeconds = 0.0
    private var last: (at: Double, wasLate: Bool)?
    /// Whether work comes by that somebody takes the next step after: lanes are swept as often as is bearable.
    public var isHurried = false
    private let sweepSeconds: Double
    private let rescanSeconds: Double

    /// Makes a schedule without lanes.
    ///
    /// - Parameters:
    ///   - sweepSeconds: how old the sweep of a lane gets before it is due again. With many lanes it is 5 ms a lane.
    ///   - rescanSeconds: how long a mark is trusted.
    public init(sweepSeconds: Double = 0.25, rescanSeconds: Double = 60) {
        self.sweepSeconds = sweepSeconds
        self.rescanSeconds = rescanSeconds
    }

    /// Takes the lanes that the worker owns now. A new one is read from its start.
    ///
    /// - Parameter serverStart: when the server started. One that has crashed may have lost claims that it had not
    ///   flushed: their chunks wait again with old keys and old births, where neither a mark nor a sweep looks, and
    ///   transactions may get numbers that were seen before. So every lane is read from its start.
    public mutating func setLanes(_ owned: [Int32], serverStart: Double? = nil) {
        if let serverStart, serverStart != self.serverStart {
            if self.serverStart != nil { lanes = [:] }
            self.serverStart = serverStart
        }
        lanes = Dictionary(uniqueKeysWithValues: Set(owned).map { ($0, lanes[$0] ?? Lane()) })
    }

    /// The low-water mark of each lane: nothing is known to wait at or before it.
    public var marks: [Int32: LaneMark] { lanes.mapValues(\.mark) }

    /// Whether a lane waits for the worker to hold nothing: claim nothing until then, and say so with
    /// ``handsAreEmpty()``.
    public var wantsEmptyHands: Bool { lanes.values.contains(where: \.isBlocked) }

    /// Lets the lanes go on that waited for the worker to hold nothing.
    public mutating func handsAreEmpty() {
        for lane in lanes.keys { lanes[lane]?.isBlocked = false }
    }

    /// The claim to make now, at `seconds` of a clock that only rises; nil when there is nothing to look at yet.
    public func nextClaim(workerID: Int64, at seconds: Double) -> ClaimRequest? {
        guard !wantsEmptyHands else { return nil }
        let sweepEvery = max(isHurried ? Self.hurriedSweepSeconds : sweepSeconds, 0.005 * Double(lanes.count))
        let lanes = lanes.filter { $0.value.putOffUntil <= seconds }
        let due = lanes.filter { $0.value.hasMore || seconds - $0.value.sweptAt >= sweepEvery }
        let sweep = due.min { ($0.value.sweptAt, $0.key) < ($1.value.sweptAt, $1.key) }
        let heads = lanes.compactMap { lane in lane.value.next.map { (next: $0, id: lane.key) } }
        let head = heads.min { ($0.next, $0.id) < ($1.next, $1.id) }
        let isOwed = lateSeconds >= Self.lateSecondsAtOnce
        if let (id, lane) = sweep, head == nil || !isOwed { return reading(id, lane, workerID, at: seconds) }
        guard let head else { return nil }
        var request = ClaimRequest(workerID: workerID, lane: head.id)
        request.mark = lanes[head.id]?.mark ?? .start
        return request
    }

    private static let lateSecondsAtOnce = 0.25
    private static let hurriedSweepSeconds = 0.02

    /// A sweep of the lane, or, when it is new or has not been for long, a look from its start. What waits for room is in no
    /// order that marks would hold for: it is always claimed.
    private func reading(_ id: Int32, _ lane: Lane, _ workerID: Int64, at seconds: Double) -> ClaimRequest {
        var request = ClaimRequest(workerID: workerID, lane: id)
        if let lateSince = lane.lateSince, seconds - lane.rescannedAt < rescanSeconds {
            (request.mark, request.lateSince) = (lane.mark, lateSince)
        } else {
            request.isLook = id != ClaimRequest.parkedLane
        }
        return request
    }

    /// Learns what a claim of ``nextClaim(workerID:at:)`` gave.
    public mutating func note(_ result: ClaimResult, of request: ClaimRequest, at seconds: Double) {
        let found = !result.chunks.isEmpty || result.endedJobs > 0
        if let last {
            let spent = max(0, seconds - last.at)
            lateSeconds = max(0, lateSeconds + (last.wasLate ? spent : -spent))
        }
        last = (seconds, found && (request.lateSince != nil || request.lane == ClaimRequest.parkedLane))
        guard var lane = lanes[request.lane] else { return }  // moved away meanwhile
        lane.isBlocked = result.needsEmptyHands
        lane.failures = 0
        if request.lateSince != nil {
            // Whatever was left by the budget is still since the same horizon; look again as soon as the others that are
            // due have been looked at.
            lane.hasMore = found
            if found || !result.needsEmptyHands { lane.sweptAt = seconds }
            if !found, !result.needsEmptyHands { lane.lateSince = result.horizon }
            lane.next = result.next
        } else {
            if request.mark == .start {
                (lane.rescannedAt, lane.sweptAt, lane.lateSince) = (seconds, seconds, result.horizon)
                lane.hasMore = found && request.lane == ClaimRequest.parkedLane
            }
            (lane.mark, lane.next) = (result.mark, result.next)
        }
        lanes[request.lane] = lane
    }

    /// Learns that a claim of ``nextClaim(workerID:at:)`` failed.
    public mutating func noteFailure(of request: ClaimRequest, at seconds: Double) {
        guard var lane = lanes[request.lane] else { return }
        lane.putOffUntil = seconds + Double(min(32, 1 << min(lane.failures, 5)))
        lane.failures += 1
        lanes[request.lane] = lane
    }
}
