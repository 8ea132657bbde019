/// Finds the longest token that starts a byte string; one for tokens that begin a word, one for those that continue it.
///
/// Edges (node, byte) → node lie in one open-addressed table, so a walk costs one probe or so per byte, whatever the
/// size of the vocabulary, and no string is made.
package struct TokenTrie: Sendable {
    /// `node << 8 | byte` per slot, or ``TokenTrie/vacant``.
    private var edges: [UInt64]
    private var targets: [UInt32]
    /// The token that ends at each node, or -1.
    private var tokens: [Int32] = [-1]

    private static let vacant = UInt64.max

    /// A trie with room for keys of `byteCount` bytes in all.
    package init(byteCount: Int) {
        var capacity = 64
        while capacity < 2 * byteCount { capacity *= 2 }
        edges = [UInt64](repeating: Self.vacant, count: capacity)
        targets = [UInt32](repeating: 0, count: capacity)
    }

    /// Adds a token; false if another has the same bytes.
    package mutating func insert(_ key: some Sequence<UInt8>, token: Int32) -> Bool {
        var node: UInt32 = 0
        for byte in key {
            let slot = slot(node, byte)
            if edges[slot] == Self.vacant {
                edges[slot] = UInt64(node) << 8 | UInt64(byte)
                targets[slot] = UInt32(tokens.count)
                tokens.append(-1)
            }
            node = targets[slot]
        }
        guard tokens[Int(node)] < 0 else { return false }
        tokens[Int(node)] = token
        return true
    }

    /// The longest token that is a prefix of `bytes` from `start` on, and where it ends.
    package func longestPrefix(of bytes: [UInt8], from start: Int) -> (token: Int32, end: Int)? {
        var node: UInt32 = 0
        var longest: (token: Int32, end: Int)? = nil
        for position in start..<bytes.count {
            let slot = slot(node, bytes[position])
            guard edges[slot] != Self.vacant else { break }
            node = targets[slot]
            let token = tokens[Int(node)]
            if token >= 0 { longest = (token, position + 1) }
        }
        return longest
    }

    /// Where an edge is, or the vacant slot where it would go (linear probing after Fibonacci hashing).
    private func slot(_ node: UInt32, _ byte: UInt8) -> Int {
        let edge = UInt64(node) << 8 | UInt64(byte)
        let mask = edges.count - 1
        var slot = Int(truncatingIfNeeded: (edge &* 0x9E37_79B9_7F4A_7C15) >> 32) & mask
        while edges[slot] != edge && edges[slot] != Self.vacant { slot = (slot + 1) & mask }
        return slot
    }
}
