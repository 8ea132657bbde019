import Foundation
import Tensor

/// One item of a catalogue.
public struct CatalogueItem: Sendable, Equatable {
    /// The id that examples name it by.
    public let id: String
    /// What a model reads of it.
    public let text: String

    /// Makes an item.
    public init(id: String, text: String) {
        self.id = id
        self.text = text
    }
}

/// Generated users with distinct tastes over a generated catalogue, all a function of one seed.
///
/// An item has a leading and a second theme. A user likes some themes, dislikes some and is indifferent to the rest;
/// examples come in pairs of a picked and a passed-over item, as choices from a list do. User `i` is made from the seed
/// and `i` alone, so any user of a million costs the same and none needs another.
public struct SyntheticPopulation: Sendable {
    /// Seeds everything.
    public let seed: UInt64
    /// Number of users there are.
    public let userCount: Int
    /// Examples of each user; even, half of them positive.
    public let examplesPerUser: Int
    /// The share of pairs that go against the user's taste.
    public let noise: Double
    /// The items, ids `i00000`, `i00001`, …; every text is different.
    public let catalogue: [CatalogueItem]

    private let themes: [(leading: Int, second: Int)]

    /// Generates the catalogue.
    ///
    /// - Parameters:
    ///   - items: 20 to 100,000.
    ///   - users: at least 1.
    ///   - examplesPerUser: at least 4; rounded down to an even number.
    ///   - noise: within `0...0.5`; at a half there is no taste.
    public init(seed: UInt64, items: Int = 1000, users: Int, examplesPerUser: Int = 100, noise: Double = 0.1) {
        precondition((20...100_000).contains(items), "20 to 100,000 items, not \(items)")
        precondition(users >= 1 && examplesPerUser >= 4 && (0...0.5).contains(noise), "users, examples or noise")
        self.seed = seed
        userCount = users
        self.examplesPerUser = examplesPerUser / 2 * 2
        self.noise = noise
        var random = RandomSource(seed: seed)
        var catalogue: [CatalogueItem] = []
        var themes: [(leading: Int, second: Int)] = []
        var texts: Set<String> = []
        while catalogue.count < items {
            // Every theme leads equally often, so that tastes are about equally easy to serve.
            let leading = catalogue.count % Theme.all.count
            let second = (leading + 1 + random.index(below: Theme.all.count - 1)) % Theme.all.count
            let text = Self.text(leading, second, &random)
            guard texts.insert(text).inserted else { continue }
            let number = String(catalogue.count)
            catalogue.append(
                CatalogueItem(id: "i" + String(repeating: "0", count: max(0, 5 - number.count)) + number, text: text))
            themes.append((leading, second))
        }
        self.catalogue = catalogue
        self.themes = themes
    }

    /// User `index` of `0..<userCount`: id `u-<index>`, examples that name items, with their texts if asked for.
    public func user(_ index: Int, withTexts: Bool = false) -> UserExamples {
        precondition((0..<userCount).contains(index), "user \(index) of \(userCount)")
        var random = RandomSource(seed: seed ^ (UInt64(index) &+ 1) &* 0xD134_2543_DE82_EF95)
        let taste = Self.taste(&random)
        var examples: [Example] = []
        examples.reserveCapacity(examplesPerUser)
        for pair in 0..<examplesPerUser / 2 {
            let (first, second) = self.pair(taste, &random)
            let prefersFirst = (liking(first, taste) >= liking(second, taste)) != (random.uniform() < noise)
            for (item, label) in [(first, prefersFirst), (second, !prefersFirst)] {
                examples.append(
                    Example(
                        text: withTexts ? catalogue[item].text : nil, item: catalogue[item].id, label: label ? 1 : 0,
                        timestamp: Int64(pair)))
            }
        }
        return UserExamples(user: "u-\(index)", examples: examples)
    }

    /// Four themes liked, four disliked, each more or less; the rest leave the user cold.
    private static func taste(_ random: inout RandomSource) -> [Double] {
        var taste = [Double](repeating: 0, count: Theme.all.count)
        for (place, theme) in random.permutation(Theme.all.count).prefix(8).enumerated() {
            taste[theme] = (place < 4 ? 1 : -1) * (0.75 + 0.5 * random.uniform())
        }
        return taste
    }

    /// Two items that the user does not like alike; after a few draws whatever two come, so that it ends.
    private func pair(_ taste: [Double], _ random: inout RandomSource) -> (Int, Int) {
        var drawn = (0, 1)
        for _ in 0..<16 {
            let first = random.index(below: catalogue.count)
            drawn = (first, (first + 1 + random.index(below: catalogue.count - 1)) % catalogue.count)
            if abs(liking(drawn.0, taste) - liking(drawn.1, taste)) >= 0.75 { break }
        }
        return drawn
    }

    private func liking(_ item: Int, _ taste: [Double]) -> Double {
        taste[themes[item].leading] + 0.3 * taste[themes[item].second]
    }

    private static func text(_ leading: Int, _ second: Int, _ random: inout RandomSource) -> String {
        func pick(_ phrases: [String]) -> String { phrases[random.index(below: phrases.count)] }
        let theme = Theme.all[leading]
        let manner = pick(Theme.manners)
        let kind = pick(theme.kinds)
        let place = pick(theme.places)
        return "\(manner) \(kind) \(place), with \(pick(theme.details)) and \(pick(Theme.all[second].details))."
    }
}
