package import Model
import Synchronization

/// Which text each catalogue item has, by digest, so that examples find their features without reading the text again.
///
/// An item's text may be corrected in the catalogue: entries are forgotten after ``lifetimeSeconds``, so a correction is
/// used within that time. Bounded by count; when full, everything is forgotten, which costs one query a claim.
package final class ItemDirectory: Sendable {
    private struct State {
        var digests: [Int32: TextDigest] = [:]
        var madeAt: ContinuousClock.Instant
    }

    private let state: Mutex<State>
    private let clock = ContinuousClock()
    private let limit: Int
    private let lifetimeSeconds: Double

    package init(limit: Int = 1_000_000, lifetimeSeconds: Double = 60) {
        self.limit = limit
        self.lifetimeSeconds = lifetimeSeconds
        state = Mutex(State(madeAt: clock.now))
    }

    /// The ids among `items` whose text is not known, each once.
    package func unknown(among items: some Sequence<Int32>) -> [Int32] {
        state.withLock { state in
            if clock.now - state.madeAt > .seconds(lifetimeSeconds) {
                state.digests.removeAll(keepingCapacity: true)
                state.madeAt = clock.now
            }
            return Array(Set(items.filter { state.digests[$0] == nil }))
        }
    }

    /// Learns items' texts.
    package func insert(_ entries: [(item: Int32, digest: TextDigest)]) {
        state.withLock { state in
            if state.digests.count + entries.count > limit { state.digests.removeAll(keepingCapacity: true) }
            for entry in entries { state.digests[entry.item] = entry.digest }
        }
    }

    /// Drops what is known of items whose text turned out to be another.
    package func forget(_ items: some Sequence<Int32>) {
        state.withLock { state in for item in items { state.digests[item] = nil } }
    }

    /// Digests of items, nil for those that are not known.
    package func digests(of items: [Int32]) -> [TextDigest?] {
        state.withLock { state in items.map { state.digests[$0] } }
    }
}
