package import Meta
package import Model
import Tensor

/// The distinct texts of the users adapted together, and what is known of each: its projected features, or for a recipe inside the
/// encoder its token ids.
///
/// Row numbers are what ``UserSupport`` names. A text is one row however many users have it.
package struct TextTable: Sendable {
    /// Where a row's text can be had when what is needed of it has to be computed.
    package enum Source: Sendable {
        case item(Int32)
        case text(String)
    }

    /// Where rows are kept for the next delivery: one recipe's projection of a base's features, or a base's token ids.
    package enum Memory: Sendable {
        case projected(FeatureSpace, FeatureCache)
        case tokens(FeatureSpace, TokenCache)

        fileprivate func known(_ digest: TextDigest) -> Known? {
            switch self {
            case .projected(let space, let cache): cache.row(FeatureKey(space, digest)).map(Known.projected)
            case .tokens(let space, let cache): cache.row(FeatureKey(space, digest)).map(Known.tokens)
            }
        }

        fileprivate func keep(_ known: Known, of digest: TextDigest) {
            switch (self, known) {
            case (.projected(let space, let cache), .projected(let row)):
                cache.insert(row, for: FeatureKey(space, digest))
            case (.tokens(let space, let cache), .tokens(let row)): cache.insert(row, for: FeatureKey(space, digest))
            default: preconditionFailure("a table holds one kind of rows")
            }
        }
    }

    /// What is known of a text, in the table's one kind.
    fileprivate enum Known: Sendable {
        case projected([Float])
        case tokens([Int32])
    }

    private var rowOfText: [TextDigest: Int32] = [:]
    private(set) var digests: [TextDigest] = []
    package private(set) var sources: [Source] = []
    /// By row, nil where the memory had nothing.
    private var known: [Known?] = []

    private let memory: Memory

    package init(_ memory: Memory) { self.memory = memory }

    /// The row of a text, looked up in the memory the first time.
    package mutating func row(of digest: TextDigest, source: @autoclosure () -> Source) -> Int32 {
        if let known = rowOfText[digest] { return known }
        let row = Int32(digests.count)
        rowOfText[digest] = row
        digests.append(digest)
        sources.append(source())
        known.append(memory.known(digest))
        return row
    }

    /// Rows that have to be computed.
    package var missing: [Int] { known.indices.filter { known[$0] == nil } }

    /// Fills rows in and remembers them for the next delivery.
    package mutating func fill(_ rows: [Int], with features: ProjectedFeatures) {
        for (index, row) in rows.enumerated() { fill(row, .projected(Array(features.rows.row(index)))) }
    }

    /// The same for token ids.
    package mutating func fill(_ rows: [Int], with sequences: [[Int32]]) {
        for (row, sequence) in zip(rows, sequences) { fill(row, .tokens(sequence)) }
    }

    private mutating func fill(_ row: Int, _ value: Known) {
        memory.keep(value, of: digests[row])
        known[row] = value
    }

    /// Every row as one matrix, `[texts, columns]`; all of them must be filled.
    package func features(columns: Int) -> ProjectedFeatures {
        var values: [Float] = []
        values.reserveCapacity(known.count * columns)
        for case .projected(let row)? in known { values.append(contentsOf: row) }
        return ProjectedFeatures(rows: Matrix(rows: known.count, columns: columns, values: values))
    }

    /// Every row's token ids; all of them must be filled.
    package var sequences: [[Int32]] {
        known.compactMap { if case .tokens(let row)? = $0 { row } else { nil } }
    }
}
