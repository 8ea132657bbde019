/// Token sequences of several texts one after the other: no row is padding.
public struct PackedBatch: Sendable {
    /// The ids of all sequences, `[tokens]`.
    public private(set) var tokens: [Int32] = []
    /// Each token's place in its sequence, `[tokens]`.
    public private(set) var positions: [Int32] = []
    /// `[sequences + 1]`: sequence s is the tokens `boundaries[s]..<boundaries[s + 1]`.
    public private(set) var boundaries: [Int] = [0]
    /// The rows that are read after the last block, ascending; all of them unless a sequence said otherwise.
    public private(set) var readRows: [Int] = []
    /// `[sequences + 1]`: the same of the rows that are read.
    public private(set) var readBoundaries: [Int] = [0]

    /// An empty batch.
    public init() {}

    /// Number of sequences.
    public var count: Int { boundaries.count - 1 }
    /// Whether every row is read.
    var readsAll: Bool { readRows.count == tokens.count }

    /// Adds a sequence.
    ///
    /// - Parameters:
    ///   - reading: of which tokens the last block's output is read, all of the sequence's own unless given; the last block
    ///     computes no more. Counted from the first virtual token.
    ///   - virtualTokens: rows before the sequence's own that an adapter at the embeddings fills.
    ///   - position: of its first row: others are before it in a ``DecoderCache``.
    public mutating func append(
        _ sequence: some Collection<Int32>, reading: Range<Int>? = nil, virtualTokens: Int = 0, from position: Int = 0
    ) {
        let count = virtualTokens + sequence.count
        let reading = reading ?? virtualTokens..<count
        precondition(reading.lowerBound >= 0 && reading.upperBound <= count, "tokens \(reading) are read")
        readRows += reading.map { tokens.count + $0 }
        readBoundaries.append(readRows.count)
        tokens += repeatElement(0, count: virtualTokens)
        tokens += sequence
        positions += Int32(position)..<Int32(position + count)
        boundaries.append(tokens.count)
    }

    /// Empties it; its storage stays.
    public mutating func removeAll() {
        tokens.removeAll(keepingCapacity: true)
        positions.removeAll(keepingCapacity: true)
        boundaries.removeAll(keepingCapacity: true)
        readRows.removeAll(keepingCapacity: true)
        readBoundaries.removeAll(keepingCapacity: true)
        boundaries.append(0)
        readBoundaries.append(0)
    }
}
