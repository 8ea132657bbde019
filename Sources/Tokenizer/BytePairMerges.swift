import HeapModule

/// The merges of a byte pair encoding (Sennrich, Haddow and Birch 2016): which two tokens become one, the earliest learnt
/// first.
struct BytePairMerges: Sendable {
    private struct Merge {
        var rank: UInt32
        var token: Int32
    }

    /// By the two tokens, one in each half.
    private var merges: [UInt64: Merge] = [:]

    /// Adds the next merge; false if these two have one.
    mutating func append(_ left: Int32, _ right: Int32, into token: Int32) -> Bool {
        let key = Self.key(left, right)
        guard merges[key] == nil else { return false }
        merges[key] = Merge(rank: UInt32(merges.count), token: token)
        return true
    }

    /// A place where two neighbours may merge.
    private struct Place: Comparable {
        var rank: UInt32
        var index: Int32

        static func < (one: Place, other: Place) -> Bool { (one.rank, one.index) < (other.rank, other.index) }
    }

    /// Merges the tokens of a word's bytes until no two neighbours have a merge: of all neighbours the earliest merge first,
    /// the leftmost of equal ones. `O(n log n)`, so that a word of a million letters is no trap.
    func merged(_ word: [Int32]) -> [Int32] {
        guard word.count > 1 else { return word }
        var tokens = word
        // Neighbours as indices; a token that was merged into its left neighbour is -1.
        var next = (0..<Int32(word.count)).map { $0 + 1 }
        var previous = (0..<Int32(word.count)).map { $0 - 1 }
        let end = Int32(word.count)
        var places = Heap<Place>()
        func merge(at index: Int32) -> Merge? {
            let right = next[Int(index)]
            return right < end ? merges[Self.key(tokens[Int(index)], tokens[Int(right)])] : nil
        }
        for index in 0..<end - 1 {
            if let merge = merge(at: index) { places.insert(Place(rank: merge.rank, index: index)) }
        }
        while let place = places.popMin() {
            // What stood here when it was noted may have been merged since.
            guard tokens[Int(place.index)] >= 0, let found = merge(at: place.index), found.rank == place.rank else {
                continue
            }
            let right = next[Int(place.index)]
            tokens[Int(place.index)] = found.token
            tokens[Int(right)] = -1
            next[Int(place.index)] = next[Int(right)]
            if next[Int(right)] < end { previous[Int(next[Int(right)])] = place.index }
            for index in [previous[Int(place.index)], place.index] where index >= 0 {
                if let merge = merge(at: index) { places.insert(Place(rank: merge.rank, index: index)) }
            }
        }
        return tokens.filter { $0 >= 0 }
    }

    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }
}
