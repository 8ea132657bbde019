/// Rows by key in the order of their last use, bounded in bytes: a table of slots, doubly linked by index.
struct RecencyList<Element: Sendable> {
    private struct Slot {
        var key: FeatureKey
        var row: [Element]
        var newer: Int
        var older: Int
    }

    private static var none: Int { -1 }

    private(set) var statistics = CacheStatistics()
    private let byteLimit: Int
    private var slots: [Slot] = []
    private var vacant: [Int] = []
    private var indices: [FeatureKey: Int] = [:]
    private var newest = RecencyList<Element>.none
    private var oldest = RecencyList<Element>.none

    init(byteLimit: Int) { self.byteLimit = byteLimit }

    mutating func row(_ key: FeatureKey) -> [Element]? {
        guard let index = indices[key] else {
            statistics.misses += 1
            return nil
        }
        statistics.hits += 1
        if index != newest {
            unlink(index)
            linkNewest(index)
        }
        return slots[index].row
    }

    mutating func insert(_ row: [Element], for key: FeatureKey) {
        remove(key)
        let cost = Self.cost(row)
        guard cost <= byteLimit else { return }
        while statistics.bytes + cost > byteLimit {
            statistics.evictions += 1
            remove(at: oldest)
        }
        let slot = Slot(key: key, row: row, newer: Self.none, older: Self.none)
        let index: Int
        if let reused = vacant.popLast() {
            slots[reused] = slot
            index = reused
        } else {
            slots.append(slot)
            index = slots.count - 1
        }
        indices[key] = index
        linkNewest(index)
        statistics.rows += 1
        statistics.bytes += cost
    }

    mutating func remove(_ key: FeatureKey) {
        if let index = indices[key] { remove(at: index) }
    }

    mutating func removeAll() {
        while oldest != Self.none { remove(at: oldest) }
    }

    private mutating func remove(at index: Int) {
        unlink(index)
        indices[slots[index].key] = nil
        statistics.rows -= 1
        statistics.bytes -= Self.cost(slots[index].row)
        slots[index].row = []
        vacant.append(index)
    }

    private mutating func unlink(_ index: Int) {
        let (newer, older) = (slots[index].newer, slots[index].older)
        if newer == Self.none { newest = older } else { slots[newer].older = older }
        if older == Self.none { oldest = newer } else { slots[older].newer = newer }
    }

    private mutating func linkNewest(_ index: Int) {
        slots[index].newer = Self.none
        slots[index].older = newest
        if newest == Self.none { oldest = index } else { slots[newest].newer = index }
        newest = index
    }

    private static func cost(_ row: [Element]) -> Int {
        MemoryLayout<Element>.stride * row.count + RowCache<Element>.rowOverheadBytes
    }
}
