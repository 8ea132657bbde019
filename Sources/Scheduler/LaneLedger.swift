package import FoundationEssentials
package import Queue

/// What the leader knows of the lanes' work, kept from tick to tick: each tick reads only the samples that are new.
package struct LaneLedger: Sendable {
    private var sightings: [Int32: LaneSighting] = [:]
    private var newest: Date?

    /// Knows nothing.
    package init() {}

    /// Ask for samples after this time; nil: for every lane's newest.
    package var since: Date? { newest }

    /// Learns what was asked for.
    package mutating func note(_ seen: [Int32: LaneSighting]) {
        for (lane, sighting) in seen where sightings[lane].map({ $0.at < sighting.at }) ?? true {
            sightings[lane] = sighting
        }
        if let latest = seen.values.map(\.at).max() { newest = max(newest ?? latest, latest) }
    }

    /// Lanes with what is known to wait in them; forgets lanes that are gone.
    package mutating func loads(_ lanes: [LaneLoad]) -> [LaneLoad] {
        if sightings.count > lanes.count {
            let known = Set(lanes.map(\.lane))
            sightings = sightings.filter { known.contains($0.key) }
        }
        return lanes.map { lane in
            var lane = lane
            lane.costMilliseconds = sightings[lane.lane]?.costMilliseconds ?? 0
            return lane
        }
    }

    /// Lanes that the leader must look at itself, with the marks to start from: never seen, or with work and not seen for
    /// `staleSeconds` before the newest sample of any lane. The longest unseen first, at most `limit`.
    package func unseen(_ lanes: [LaneLoad], staleSeconds: Double = 60, limit: Int = 64) -> [Int32: LaneMark] {
        let old = (newest ?? .distantPast).addingTimeInterval(-staleSeconds)
        let due = lanes.filter { lane in
            guard let seen = sightings[lane.lane] else { return true }
            return seen.at < old && (seen.costMilliseconds > 0 || lane.workerID == nil)
        }.sorted {
            (sightings[$0.lane]?.at ?? .distantPast, $0.lane) < (sightings[$1.lane]?.at ?? .distantPast, $1.lane)
        }
        return Dictionary(uniqueKeysWithValues: due.prefix(limit).map { ($0.lane, sightings[$0.lane]?.mark ?? .start) })
    }
}
