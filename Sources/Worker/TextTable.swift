package import Meta
package import Model
import Recipe
import Tensor

/// The distinct texts of the users adapted together, and what is known of each one's projected features.
///
/// Row numbers are what ``UserSupport`` names. A text is one row however many users have it.
package struct TextTable: Sendable {
    /// Where a row's text can be had when its features have to be computed.
    package enum Source: Sendable {
        case item(Int32)
        case text(String)
    }

    private var rowOfText: [TextDigest: Int32] = [:]
    private(set) var digests: [TextDigest] = []
    package private(set) var sources: [Source] = []
    /// Projected features by row, nil where the cache had none.
    private(set) var projected: [[Float]?] = []

    let space: FeatureSpace
    let cache: FeatureCache

    /// - Parameter space: the rows of one recipe: its projection of one base's pooled features.
    package init(space: FeatureSpace, cache: FeatureCache) {
        self.space = space
        self.cache = cache
    }

    /// The row of a text, looked up in the cache the first time.
    package mutating func row(of digest: TextDigest, source: @autoclosure () -> Source) -> Int32 {
        if let known = rowOfText[digest] { return known }
        let row = Int32(digests.count)
        rowOfText[digest] = row
        digests.append(digest)
        sources.append(source())
        projected.append(cache.row(FeatureKey(space, digest)))
        return row
    }

    /// Rows whose features have to be computed.
    package var missing: [Int] { projected.indices.filter { projected[$0] == nil } }

    /// Fills rows in and remembers them for the next delivery.
    package mutating func fill(_ rows: [Int], with features: ProjectedFeatures) {
        for (index, row) in rows.enumerated() {
            let values = Array(features.rows.row(index))
            projected[row] = values
            cache.insert(values, for: FeatureKey(space, digests[row]))
        }
    }

    /// Every row as one matrix, `[texts, columns]`; all of them must be filled.
    package func features(columns: Int) -> ProjectedFeatures {
        var values: [Float] = []
        values.reserveCapacity(projected.count * columns)
        for case let row? in projected { values.append(contentsOf: row) }
        return ProjectedFeatures(rows: Matrix(rows: projected.count, columns: columns, values: values))
    }
}
