import Tensor

/// Draws episodes: a random contiguous window of a user's time line, its beginning the support, the rest the query.
struct EpisodeSampler {
    private let population: MetaPopulation
    private let settings: OuterSettings
    private var random: RandomSource
    /// A query shorter than this says too little of a user.
    private static let leastQuery = 8

    init(_ population: MetaPopulation, settings: OuterSettings, seed: UInt64) {
        let least = (settings.supportSizes.min() ?? 1) + Self.leastQuery
        self.population = population.keeping { $0.rows.count >= least }
        self.settings = settings
        random = RandomSource(seed: settings.seed &* 0x9E37_79B9_7F4A_7C15 ^ seed)
    }

    /// The next outer step's users, distinct unless there are too few; nil when there are none.
    mutating func next() -> EpisodeBatch? {
        let users = population.users
        guard !users.isEmpty else { return nil }
        let size = settings.supportSizes[random.index(below: settings.supportSizes.count)]
        var supports: [UserSupport] = []
        var queries: [UserSupport] = []
        for index in random.permutation(users.count).prefix(settings.usersPerStep) {
            let user = users[index]
            let support = min(size, user.rows.count - Self.leastQuery)
            let query = min(settings.queryCount, user.rows.count - support)
            let first = random.index(below: user.rows.count - support - query + 1)
            func cut(_ range: Range<Int>) -> UserSupport {
                UserSupport(rows: Array(user.rows[range]), labels: Array(user.labels[range]))
            }
            supports.append(cut(first..<first + support))
            queries.append(cut(first + support..<first + support + query))
        }
        return EpisodeBatch(
            support: OwnedExamples(supports, from: population.features, scale: settings.featureScale),
            query: OwnedExamples(queries, from: population.features, scale: settings.featureScale))
    }
}
