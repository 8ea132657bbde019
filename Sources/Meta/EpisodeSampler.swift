import Tensor

/// One user's adaptation problem: what is adapted on, and what is scored after it.
package struct Episode: Sendable, Equatable {
    package let support: UserSupport
    package let query: UserSupport

    package init(support: UserSupport, query: UserSupport) { (self.support, self.query) = (support, query) }
}

/// Draws episodes: a random contiguous window of a user's time line, its beginning the support, the rest the query.
package struct EpisodeSampler: Sendable {
    /// How they are drawn.
    package struct Settings: Sendable {
        /// Users of an outer step.
        package var usersPerStep: Int
        /// Support sizes drawn from, one a step.
        package var supportSizes: [Int]
        /// Query examples of an episode, at most.
        package var queryCount: Int

        package init(usersPerStep: Int, supportSizes: [Int], queryCount: Int) {
            (self.usersPerStep, self.supportSizes, self.queryCount) = (usersPerStep, supportSizes, queryCount)
        }
    }

    private let users: [MetaUser]
    private let settings: Settings
    /// What the next draws come from.
    private(set) var random: RandomSource
    /// A query shorter than this says too little of a user.
    private static let leastQuery = 8

    package init(_ users: [MetaUser], _ settings: Settings, seed: UInt64) {
        self.init(users, settings, random: RandomSource(seed: seed))
    }

    /// Draws on from where a source stands.
    init(_ users: [MetaUser], _ settings: Settings, random: RandomSource) {
        let least = (settings.supportSizes.min() ?? 1) + Self.leastQuery
        self.users = users.filter { $0.rows.count >= least }
        self.settings = settings
        self.random = random
    }

    /// The next outer step's episodes, of distinct users unless there are too few; nil when there are none.
    package mutating func next() -> [Episode]? {
        guard !users.isEmpty else { return nil }
        let size = settings.supportSizes[random.index(below: settings.supportSizes.count)]
        return random.permutation(users.count).prefix(settings.usersPerStep).map { index in
            let user = users[index]
            let support = min(size, user.rows.count - Self.leastQuery)
            let query = min(settings.queryCount, user.rows.count - support)
            let first = random.index(below: user.rows.count - support - query + 1)
            func cut(_ range: Range<Int>) -> UserSupport {
                UserSupport(rows: Array(user.rows[range]), labels: Array(user.labels[range]))
            }
            return Episode(
                support: cut(first..<first + support), query: cut(first + support..<first + support + query))
        }
    }
}
