import Synchronization

/// Features of texts in f32.
public typealias FeatureCache = RowCache<Float>

/// Rows before a cut in f16: a text's tokens one after the other.
public typealias PrefixCache = RowCache<Float16>

/// Counters since the cache was made, and what it holds now.
public struct CacheStatistics: Sendable, Equatable {
    /// Rows asked for and found.
    public var hits = 0
    /// Rows asked for and not found.
    public var misses = 0
    /// Rows dropped to make room.
    public var evictions = 0
    /// Rows held.
    public var rows = 0
    /// Bytes held, with an estimate of what keeping a row costs besides its values.
    public var bytes = 0
}

/// Rows of frozen features, shared by all threads and users, bounded in bytes; the least recently used go first.
///
/// Split into shards by key, each with its own lock and an equal part of the limit, so that compute threads seldom wait
/// for each other. A row is copied out by reference: no lock is held while it is read.
public final class RowCache<Element: Sendable>: Sendable {
    /// What a row costs besides its values: key, links, array header and its share of the table.
    static var rowOverheadBytes: Int { 176 }

    /// The bound, in bytes.
    public let byteLimit: Int
    private let shards: [Shard]

    /// A cache of at most `byteLimit` bytes (at least 1); a row above a shard's part is never kept.
    public init(byteLimit: Int, shards: Int = 16) {
        precondition(byteLimit > 0 && shards > 0, "a cache of \(byteLimit) bytes in \(shards) shards")
        self.byteLimit = byteLimit
        self.shards = (0..<shards).map { _ in Shard(byteLimit: byteLimit / shards) }
    }

    /// The row of a key, which becomes the most recently used of its shard; nil counts as a miss.
    public func row(_ key: FeatureKey) -> [Element]? { shard(key).recency.withLock { $0.row(key) } }

    /// Keeps a row, replacing one of the same key, and drops the least recently used beyond the limit.
    public func insert(_ row: [Element], for key: FeatureKey) {
        shard(key).recency.withLock { $0.insert(row, for: key) }
    }

    /// Drops every row of a text, for example when its owner is erased.
    public func remove(_ key: FeatureKey) { shard(key).recency.withLock { $0.remove(key) } }

    /// Drops everything; counters stay.
    public func removeAll() { for shard in shards { shard.recency.withLock { $0.removeAll() } } }

    /// The sum over the shards, each read at its own moment.
    public var statistics: CacheStatistics {
        shards.reduce(into: CacheStatistics()) { total, shard in
            let part = shard.recency.withLock { $0.statistics }
            total.hits += part.hits
            total.misses += part.misses
            total.evictions += part.evictions
            total.rows += part.rows
            total.bytes += part.bytes
        }
    }

    private func shard(_ key: FeatureKey) -> Shard { shards[Int(truncatingIfNeeded: key.text.low >> 1) % shards.count] }

    private final class Shard: Sendable {
        let recency: Mutex<RecencyList<Element>>
        init(byteLimit: Int) { recency = Mutex(RecencyList(byteLimit: byteLimit)) }
    }
}
