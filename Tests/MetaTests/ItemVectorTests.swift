import Adapters
import Foundation
import Meta
import Model
import Tensor
import Testing

@Suite struct ItemVectorTests {
    /// Users whose tastes the features say nothing of: texts fall into two kinds by chance, and a user likes one.
    private static func population(users: Int, seed: UInt64, texts: Int = 120) -> MetaPopulation {
        var random = RandomSource(seed: seed)
        var kinds = RandomSource(seed: 99)
        let kind = (0..<texts).map { _ in kinds.uniform() < 0.5 }
        var features = Matrix(rows: texts, columns: 6)
        for index in features.values.indices { features.values[index] = Float(kinds.normal()) / 2.5 }
        let made = (0..<users).map { index in
            let likes = random.uniform() < 0.5
            let rows = (0..<72).map { _ in Int32(random.index(below: texts)) }
            let labels = rows.map { Float((kind[Int($0)] == likes) == (random.uniform() < 0.9) ? 1 : 0) }
            return MetaUser(id: "user \(index)", rows: rows, labels: labels, supportCount: 32)
        }
        return MetaPopulation(
            features: features, users: made, textDigests: (0..<texts).map { TextDigest(of: "text \($0)") })
    }

    @Test("with a column a user the vectors' products are the damped cosine kernel of the texts' labels")
    func kernel() throws {
        let population = Self.population(users: 7, seed: 1, texts: 30)
        var settings = ItemVectorSettings()
        (settings.count, settings.minimumUsers, settings.damping) = (7, 1, 3)
        let items = try #require(ItemVectors.learned(from: population, settings: settings))
        var labels = Matrix(rows: 30, columns: 7)
        for (column, user) in population.users.enumerated() {
            for (row, label) in zip(user.rows, user.labels) { labels[Int(row), column] += 2 * label - 1 }
        }
        #expect(items.count == 7 && zip(items.digests, items.digests.dropFirst()).allSatisfy(<))
        let squares = (0..<30).map { row in labels.row(row).reduce(Float(3)) { $0 + $1 * $1 } }
        let rowOf = Dictionary(
            uniqueKeysWithValues: population.textDigests.enumerated().map { ($0.element, $0.offset) })
        for (one, left) in items.digests.enumerated() {
            for (other, right) in items.digests.enumerated() {
                let (i, j) = (try #require(rowOf[left]), try #require(rowOf[right]))
                let product = zip(labels.row(i), labels.row(j)).reduce(Float(0)) { $0 + $1.0 * $1.1 }
                let own = zip(items.vectors.row(one), items.vectors.row(other)).reduce(Float(0)) { $0 + $1.0 * $1.1 }
                #expect(abs(own - product / (squares[i] * squares[j]).squareRoot()) < 1e-4)
            }
        }
    }

    @Test("fewer columns are the best of them: what is left out is no more than any other columns would")
    func truncates() throws {
        let population = Self.population(users: 40, seed: 2)
        func vectors(_ count: Int, rounds: Int = 30) throws -> ItemVectors {
            var settings = ItemVectorSettings()
            (settings.count, settings.minimumUsers, settings.rounds) = (count, 1, rounds)
            return try #require(ItemVectors.learned(from: population, settings: settings))
        }
        let (whole, two) = (try vectors(40), try vectors(2))
        let columns = (0..<40).map { column in
            (0..<whole.vectors.rows).reduce(Float(0)) { $0 + whole.vectors[$1, column] * whole.vectors[$1, column] }
        }
        #expect(zip(columns, columns.dropFirst()).allSatisfy { $0 >= $1 * 0.999 })
        // The two kinds of texts are one direction of tastes; everything else is noise.
        #expect(columns[0] > 3 * columns[1])
        for row in 0..<two.vectors.rows {
            #expect(abs(abs(two.vectors[row, 0]) - abs(whole.vectors[row, 0])) < 1e-3)
        }
    }

    @Test("a text that fewer users met than asked for has no vector; where that is every text there are none")
    func forgetsTheRare() throws {
        let few = MetaPopulation(
            features: Matrix(rows: 3, columns: 2, filledWith: 0.5),
            users: (0..<4).map { user in
                MetaUser(id: "\(user)", rows: user < 2 ? [0, 1] : [0, 2], labels: [1, 0], supportCount: 2)
            }, textDigests: (0..<3).map { TextDigest(of: "\($0)") })
        let items = try #require(ItemVectors.learned(from: few, settings: ItemVectorSettings()))
        #expect(items.digests == [TextDigest(of: "0")] && items.count == 4)
        #expect(ItemVectors.learned(from: few.keeping { $0.id == "0" }, settings: ItemVectorSettings()) == nil)
    }

    @Test("beside a text's features its vector, zeros for a text that nobody was met with")
    func beside() {
        let digests = ["a", "b"].map { TextDigest(of: $0) }.sorted()
        let items = ItemVectors(digests: digests, vectors: Matrix(rows: 2, columns: 2, values: [1, 2, 3, 4]))
        let features = Matrix(rows: 3, columns: 1, values: [7, 8, 9])
        let both = items.scaled(by: 2).beside(features, of: [digests[1], TextDigest(of: "c"), digests[0]])
        #expect(both.values == [7, 6, 8, 8, 0, 0, 9, 2, 4])
    }

    @Test(
        "where only behaviour tells tastes, a scale is found that serves others; a text without a vector is judged as before"
    )
    func servesOthers() throws {
        let (people, others) = (Self.population(users: 120, seed: 3), Self.population(users: 60, seed: 4))
        let head = fitGlobalHead(people, penalty: 5)
        let rule = PreconditionedRule.plain(from: head)
        var settings = ItemVectorSettings()
        settings.count = 8
        let scale = try #require(
            ItemVectors.bestScale(for: rule, people, settings: settings, OuterSettings(), folds: 3))
        let items = try #require(ItemVectors.learned(from: people, settings: settings)).scaled(by: scale)
        let extended = rule.extended(by: items.count)
        func area(_ users: MetaPopulation, _ rule: PreconditionedRule) -> Double {
            let heads = users.heads(
                under: rule, settings: .unguarded(steps: 1, width: rule.width), support: 8, unadapted: rule.start)
            return meanOverUsers(users.scores(under: heads).map(\.areaUnderCurve)) ?? 0
        }
        #expect(area(others.appending(items), extended) > area(others, rule) + 0.15)

        let unmet = MetaPopulation(
            features: others.features, users: others.users,
            textDigests: others.textDigests.indices.map { TextDigest(of: "new \($0)") })
        #expect(abs(area(unmet.appending(items), extended) - area(others, rule)) < 1e-6)
        let first = extended.first(rule.width)
        #expect(first.start == rule.start && abs(area(others, first) - area(others, rule)) < 1e-6)
    }

    @Test("a digest's bytes give it back, and order as it does")
    func digests() {
        let digests = (0..<50).map { TextDigest(of: "\($0)") }.sorted()
        #expect(digests.map { TextDigest(sha256: $0.bytes) } == digests)
        for (left, right) in zip(digests, digests.dropFirst()) {
            #expect(left.bytes.lexicographicallyPrecedes(right.bytes))
        }
    }
}
