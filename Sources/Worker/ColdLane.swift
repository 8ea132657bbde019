import Problem
import Synchronization

/// Deliveries that have many texts to embed, apart from the others: nobody waits behind a catalogue that is new to a base.
///
/// They are worked on one after another, so that two that name the same new texts do not both compute them. Bounded in
/// users: beyond that whoever puts one in waits, since what is leased has to be done before its deadline.
package final class ColdLane: Sendable {
    /// A delivery with more texts to embed than this is cold: about a tenth of a second of two threads.
    static let warmTexts = 64

    private let entries = AsyncStream<FetchedDelivery>.makeStream()
    private let freed = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    private let users = Mutex(0)
    private let userLimit: Int

    /// - Parameter userLimit: users that may wait; a single delivery may always.
    package init(userLimit: Int) { self.userLimit = userLimit }

    /// Whether a delivery belongs here: it has texts to embed, or users to judge, which embeds under the base before.
    static func takes(_ delivery: FetchedDelivery) -> Bool {
        delivery.missingTexts.count > warmTexts || delivery.isJudged
    }

    /// What waits, in order, until ``finish()``; for one task. Each is to be reported by ``note(done:)``.
    package var deliveries: AsyncStream<FetchedDelivery> { entries.stream }

    /// Adds a delivery once there is room; for one task.
    package func put(_ delivery: FetchedDelivery) async {
        let count = delivery.jobs.count
        var room = freed.stream.makeAsyncIterator()
        while users.withLock({ $0 > 0 && $0 + count > userLimit }) {
            // Cancelled: what is in hand is handed back on the way out.
            if await room.next() == nil { return }
        }
        users.withLock { $0 += count }
        entries.continuation.yield(delivery)
    }

    /// Makes room again.
    package func note(done delivery: FetchedDelivery) {
        users.withLock { $0 -= delivery.jobs.count }
        freed.continuation.yield()
    }

    /// Nothing more comes.
    package func finish() { entries.continuation.finish() }
}
