import Meta
import Model
import Tensor
import Testing
import Worker

/// Texts of a delivery: one row each, computed once.
@Suite struct TextTableTests {
    private let cache = FeatureCache(byteLimit: 1 << 20)
    private let space = FeatureSpace(baseDigest: "b", site: "projected/r")

    @Test("a text is one row however many users have it, and only rows that the cache lacks are missing")
    func rows() {
        cache.insert([1, 2, 3], for: FeatureKey(space, TextDigest(of: "known")))
        var table = TextTable(.projected(space, cache))
        let rows = ["new", "known", "new", "other"].map { table.row(of: TextDigest(of: $0), source: .text($0)) }
        #expect(rows == [0, 1, 0, 2])
        #expect(table.missing == [0, 2])
    }

    @Test("filled rows make the matrix in the order of the rows, and the next delivery finds them")
    func filled() {
        var table = TextTable(.projected(space, cache))
        for text in ["a", "b", "c"] { _ = table.row(of: TextDigest(of: text), source: .text(text)) }
        table.fill([2, 0], with: ProjectedFeatures(rows: Matrix(rows: 2, columns: 3, values: [7, 8, 9, 1, 2, 3])))
        #expect(table.missing == [1])
        table.fill([1], with: ProjectedFeatures(rows: Matrix(rows: 1, columns: 3, values: [4, 5, 6])))
        #expect(table.features(columns: 3).rows.values == [1, 2, 3, 4, 5, 6, 7, 8, 9])

        var next = TextTable(.projected(space, cache))
        _ = next.row(of: TextDigest(of: "c"), source: .text("c"))
        #expect(next.missing.isEmpty && next.features(columns: 3).rows.values == [7, 8, 9])
    }

    @Test("a recipe inside the encoder has token ids of texts, kept for the next delivery, apart from features")
    func tokens() {
        let (tokens, space) = (TokenCache(byteLimit: 1 << 20), FeatureSpace(baseDigest: "b", site: "tokens"))
        var table = TextTable(.tokens(space, tokens))
        for text in ["a", "b"] { _ = table.row(of: TextDigest(of: text), source: .text(text)) }
        #expect(table.missing == [0, 1])
        table.fill([1, 0], with: [[101, 7, 8, 102], [101, 102]])
        #expect(table.missing.isEmpty && table.sequences == [[101, 102], [101, 7, 8, 102]])
        var next = TextTable(.tokens(space, tokens))
        _ = next.row(of: TextDigest(of: "b"), source: .text("b"))
        #expect(next.missing.isEmpty && next.sequences == [[101, 7, 8, 102]])
        var features = TextTable(.projected(self.space, cache))
        _ = features.row(of: TextDigest(of: "b"), source: .text("b"))
        #expect(features.missing == [0])
    }

    @Test("another recipe's features of the same text are not taken for this one's")
    func spaces() {
        cache.insert([1], for: FeatureKey(space, TextDigest(of: "a")))
        var table = TextTable(.projected(FeatureSpace(baseDigest: "b", site: "projected/other"), cache))
        _ = table.row(of: TextDigest(of: "a"), source: .text("a"))
        #expect(table.missing == [0])
    }

    @Test("items' digests are learnt once, asked for once each, and forgotten when full or old")
    func directory() {
        let directory = ItemDirectory(limit: 3)
        #expect(directory.unknown(among: [7, 8, 7]).sorted() == [7, 8])
        directory.insert([(7, TextDigest(of: "seven")), (8, TextDigest(of: "eight"))])
        #expect(directory.unknown(among: [7, 8, 9]) == [9])
        #expect(directory.digests(of: [8, 9, 7]) == [TextDigest(of: "eight"), nil, TextDigest(of: "seven")])
        directory.insert([(9, TextDigest(of: "nine")), (10, TextDigest(of: "ten"))])
        #expect(directory.digests(of: [7, 9]) == [nil, TextDigest(of: "nine")], "full: all before is forgotten")
        directory.forget([9, 11])
        #expect(
            directory.digests(of: [9, 10]) == [nil, TextDigest(of: "ten")], "what proved wrong is forgotten alone")

        let forgetful = ItemDirectory(lifetimeSeconds: 0)
        forgetful.insert([(7, TextDigest(of: "seven"))])
        #expect(forgetful.unknown(among: [7]) == [7], "a corrected text is looked up again")
    }
}
