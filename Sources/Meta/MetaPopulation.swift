public import Model
public import Tensor

/// A user as meta-training sees one: rows of shared features in the order of time, and labels.
public struct MetaUser: Sendable, Equatable {
    /// Decides which split the user falls into.
    public let id: String
    /// Rows of ``MetaPopulation/features``, oldest first.
    public let rows: [Int32]
    /// 1 or 0, one a row.
    public let labels: [Float]
    /// How many of the oldest may be adapted on; the rest is only scored.
    public let supportCount: Int

    /// Makes a user.
    public init(id: String, rows: [Int32], labels: [Float], supportCount: Int) {
        precondition(rows.count == labels.count && (0...rows.count).contains(supportCount), "rows, labels, support")
        self.id = id
        self.rows = rows
        self.labels = labels
        self.supportCount = supportCount
    }

    /// The `size` examples just before the query window, fewer if there are not as many.
    public func support(_ size: Int) -> UserSupport {
        let window = max(0, supportCount - size)..<supportCount
        return UserSupport(rows: Array(rows[window]), labels: Array(labels[window]))
    }

    /// The scored examples: the first ``ScoringProtocol/queryLimit`` after the support.
    public var query: UserSupport {
        let window = supportCount..<min(rows.count, supportCount + ScoringProtocol.queryLimit)
        return UserSupport(rows: Array(rows[window]), labels: Array(labels[window]))
    }

    /// Whether the protocol scores this user: at least 32 support examples and both classes among the scored.
    public var isEligible: Bool {
        let labels = query.labels
        return supportCount >= ScoringProtocol.supportMinimum && labels.contains(1) && labels.contains(0)
    }
}

/// Users over shared texts.
public struct MetaPopulation: Sendable {
    /// One row a distinct text, `[texts, width]`, unit norm.
    public let features: Matrix
    /// The users.
    public let users: [MetaUser]
    /// What identifies each text, one a row; empty where nobody asks for what users did with it.
    public let textDigests: [TextDigest]

    /// Makes a population; every row that a user names exists.
    public init(features: Matrix, users: [MetaUser], textDigests: [TextDigest] = []) {
        precondition(textDigests.isEmpty || textDigests.count == features.rows, "a digest a text")
        precondition(
            users.allSatisfy { $0.rows.allSatisfy { $0 >= 0 && Int($0) < features.rows } }, "a row that is not there")
        self.features = features
        self.users = users
        self.textDigests = textDigests
    }

    /// The users to learn from, and those who are only scored.
    ///
    /// - Parameter part: the part of ``ScoringProtocol/parts`` that is only scored.
    public func split(holding part: Int = 0) -> (training: MetaPopulation, validation: MetaPopulation) {
        (
            keeping { !ScoringProtocol.isValidation($0.id, part: part) },
            keeping { ScoringProtocol.isValidation($0.id, part: part) && $0.isEligible }
        )
    }

    /// The first so many parts of the users in which somebody can be scored, and the users of each.
    package func scoredParts(
        _ count: Int
    ) -> (parts: [Int], splits: [(training: MetaPopulation, validation: MetaPopulation)]) {
        let all = (0..<count).map { (part: $0, users: split(holding: $0)) }
        let scored = all.filter { !$0.users.validation.users.isEmpty }
        return (scored.map(\.part), scored.map(\.users))
    }

    /// The users outside a fold of meta-train users, and those in it, whom the others judge what they learned by.
    package func split(fold: Int, of count: Int) -> (others: MetaPopulation, own: MetaPopulation) {
        let isOwn = { (user: MetaUser) in ScoringProtocol.fold(user.id, of: count) == fold }
        return (keeping { !isOwn($0) }, keeping(isOwn))
    }

    /// The same texts with some of the users.
    public func keeping(_ isKept: (MetaUser) -> Bool) -> MetaPopulation {
        MetaPopulation(features: features, users: users.filter(isKept), textDigests: textDigests)
    }
}

/// How users are split and scored, the same for every figure.
public enum ScoringProtocol {
    /// Scored examples of a user, at most.
    public static let queryLimit = 40
    /// Support examples that a scored user needs.
    public static let supportMinimum = 32
    /// The support sizes that figures are given for.
    public static let supportSizes = [4, 8, 16, 32]

    /// Parts that users fall into: one only validates, the rest is for meta-training.
    public static let parts = 5

    /// Whether a user belongs to the part that only validates.
    ///
    /// - Parameter part: which of ``parts``; every figure that is not cross-validated holds part 0.
    public static func isValidation(_ user: String, part: Int = 0) -> Bool { hash(user) % UInt64(parts) == part }

    /// Which of `count` folds of the meta-train users a user falls into, independent of ``isValidation(_:part:)``.
    public static func fold(_ user: String, of count: Int) -> Int { Int(hash(user) / UInt64(parts) % UInt64(count)) }

    /// FNV-1a over the id's UTF-8 bytes, its bits mixed by SplitMix64's finaliser.
    private static func hash(_ user: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in user.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        hash = (hash ^ (hash >> 30)) &* 0xBF58_476D_1CE4_E5B9
        hash = (hash ^ (hash >> 27)) &* 0x94D0_49BB_1331_11EB
        return hash ^ (hash >> 31)
    }
}
