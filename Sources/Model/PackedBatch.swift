/// Token sequences of several texts one after the other: no row is padding.
struct PackedBatch {
    /// The ids of all sequences, `[tokens]`.
    private(set) var tokens: [Int32] = []
    /// Each token's place in its sequence, `[tokens]`.
    private(set) var positions: [Int32] = []
    /// `[sequences + 1]`: sequence s is the tokens `boundaries[s]..<boundaries[s + 1]`.
    private(set) var boundaries: [Int] = [0]

    mutating func append(_ sequence: [Int32]) {
        tokens += sequence
        positions += 0..<Int32(sequence.count)
        boundaries.append(tokens.count)
    }

    mutating func removeAll() {
        tokens.removeAll(keepingCapacity: true)
        positions.removeAll(keepingCapacity: true)
        boundaries.removeAll(keepingCapacity: true)
        boundaries.append(0)
    }
}
