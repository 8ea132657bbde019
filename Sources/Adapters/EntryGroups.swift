/// Groups of a sparse support's entries that are kept or left together.
public struct EntryGroups: Sendable, Equatable {
    /// Number of groups.
    public let count: Int
    /// `[entries]`, each below ``count``.
    public let groupOfEntry: [Int]

    /// States groups.
    public init(count: Int, groupOfEntry: [Int]) {
        precondition(groupOfEntry.allSatisfy { (0..<count).contains($0) }, "an entry outside \(count) groups")
        (self.count, self.groupOfEntry) = (count, groupOfEntry)
    }

    /// Each entry alone.
    public static func single(_ entries: Int) -> EntryGroups {
        EntryGroups(count: entries, groupOfEntry: Array(0..<entries))
    }

    /// Whole rows, in the order of their worth, of as equal numbers of entries as rows allow.
    ///
    /// - Parameters:
    ///   - rows: of each entry.
    ///   - count: no more groups than rows that have entries.
    ///   - worth: of each row; those of most come first, the lower row where two are equal.
    public static func rows(_ rows: [Int32], count: Int, worth: (Int32) -> Float) -> EntryGroups {
        var entriesOfRow: [Int32: Int] = [:]
        for row in rows { entriesOfRow[row, default: 0] += 1 }
        let ranked = entriesOfRow.keys.map { (row: $0, worth: worth($0)) }
            .sorted { ($0.worth, $1.row) > ($1.worth, $0.row) }
        precondition(count >= 1 && count <= max(ranked.count, 1), "\(count) groups of \(ranked.count) rows")
        var groupOfRow: [Int32: Int] = [:]
        var (before, group, last) = (0, 0, 0)
        for (index, row) in ranked.enumerated() {
            let size = entriesOfRow[row.row] ?? 0
            // By the middle of the row; no group stays without one.
            let wanted = (2 * before + size) * count / (2 * max(rows.count, 1))
            group = min(max(wanted, count - (ranked.count - index)), last + (index == 0 ? 0 : 1))
            groupOfRow[row.row] = group
            (before, last) = (before + size, group)
        }
        return EntryGroups(count: count, groupOfEntry: rows.map { groupOfRow[$0] ?? 0 })
    }

    /// Entries of each group.
    public var sizes: [Int] {
        var sizes = [Int](repeating: 0, count: count)
        for group in groupOfEntry { sizes[group] += 1 }
        return sizes
    }

    /// `[entries]`: whether the entry's group is kept.
    public func entries(of kept: [Bool]) -> [Bool] {
        precondition(kept.count == count, "\(kept.count) groups, not \(count)")
        return groupOfEntry.map { kept[$0] }
    }

    /// `[groups]`: the length of some values of the entries.
    public func norms(of values: [Float]) -> [Float] {
        var squares = [Float](repeating: 0, count: count)
        for (group, value) in zip(groupOfEntry, values) { squares[group] += value * value }
        return squares.map { $0.squareRoot() }
    }
}
