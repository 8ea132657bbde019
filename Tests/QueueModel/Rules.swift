/// The rules that keep the queue right (QUEUE.md, section A), each of which can be taken away to show what breaks.
package struct Rules: OptionSet, Hashable, Sendable {
    /// One bit a rule.
    package let rawValue: UInt32
    /// Takes the bits.
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    private init(bit: UInt32) { rawValue = 1 << bit }

    /// A publish shows the token drawn at its claim, and keys of objects carry it (rule 3).
    package static let token = Rules(bit: 0)
    /// A publish shows the attempt (rule 3).
    package static let attempt = Rules(bit: 1)
    /// Only a leased chunk is published (rule 1).
    package static let onlyLeased = Rules(bit: 2)
    /// A pointer is set only where it still is what the revision started from (rule 5).
    package static let compareAndSet = Rules(bit: 3)
    /// A publish requires the epoch that the claim read (rule 11).
    package static let epoch = Rules(bit: 4)
    /// A publish judges after it has locked chunks, users and pointers (rules 1 and 5).
    package static let publishLocksFirst = Rules(bit: 5)
    /// A cancellation looks again after it has locked the chunk (rule 1).
    package static let cancelLocksFirst = Rules(bit: 6)
    /// Closing a chunk and inserting its retry chunk are one transaction (rule 2).
    package static let requeueWithClose = Rules(bit: 7)
    /// No token stays on a chunk that was taken back (rule 9).
    package static let rescueClearsToken = Rules(bit: 8)
    /// Objects are uploaded before they are named (I5).
    package static let uploadFirst = Rules(bit: 9)
    /// An object is deleted only after a row has excluded every publish of its key (rule 8).
    package static let condemnFirst = Rules(bit: 10)
    /// A publish looks at that row (rule 8).
    package static let publishSeesCondemned = Rules(bit: 11)
    /// A chunk whose lineage crashed twice is split, and a single job that goes on killing is discarded (rule 10).
    package static let isolation = Rules(bit: 12)
    /// A step of a campaign compares the cursor before it sets it (rule 23).
    package static let cursorCompareAndSet = Rules(bit: 13)
    /// Jobs are merged when they are claimed, never when they are enqueued (rule 4).
    package static let mergeAtClaim = Rules(bit: 14)
    /// A key that comes back after it was deleted is deleted again (rule 8).
    package static let collectAgain = Rules(bit: 15)

    /// All of them: what Attune does.
    package static let all = Rules(rawValue: 1 << 16 - 1)
}
