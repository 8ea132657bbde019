extension Scenario {
    private static let faults: Set<Step.Disturbance> = [.crash, .expire, .overdue, .unheard, .late]

    /// Two workers, and users who each have recorded something.
    private static func begin(users: Int, then steps: [Step]) -> [Step] {
        let ids = (0..<UInt8(users))
        return [.start, .start] + ids.map { _ in .addUser } + ids.map { .record(user: $0) } + steps
    }

    /// Two jobs of one user, each in a chunk of its own: claimed together they merge, apart they compete.
    package static let oneUser = Scenario(
        "two jobs of one user in two chunks",
        begin(users: 1, then: [.enqueue(users: [0]), .record(user: 0), .enqueue(users: [0])]),
        faults.union([.handedBack, .record, .loseClaims]), budget: 3)

    /// One chunk of two users: a publish may end one of them.
    package static let oneChunk = Scenario(
        "two users in one chunk", begin(users: 2, then: [.enqueue(users: [0, 1])]),
        faults.union([.first, .failed, .kept, .cancel, .retry, .park]), budget: 3)

    /// A user is erased at any instant, and objects are collected.
    package static let erasure = Scenario(
        "two users in one chunk, erasure and collection", begin(users: 2, then: [.enqueue(users: [0, 1])]),
        [.erase, .expire, .overdue, .unheard, .late, .putAgain], budget: 3
    ).with(\.collects, true)

    /// Two chunks in one delivery: one of them may be lost, and its object looks like an orphan.
    package static let delivery = Scenario(
        "two chunks in one delivery, and collection",
        begin(users: 2, then: [.enqueue(users: [0]), .enqueue(users: [1])]),
        faults.union([.putAgain]), budget: 2
    ).with(\.collects, true)

    /// A user who has two revisions, one of which may come back; and the base that serves changes.
    package static let operators = Scenario(
        "rollback, promotion, cancellation and retry of a user who has a revision",
        begin(
            users: 1,
            then: [
                .enqueue(users: [0]), .claim(worker: 0, chunks: [0]), .upload(worker: 0),
                .publish(worker: 0, .completed), .record(user: 0), .enqueue(users: [0]),
            ]),
        [.rollback, .promote, .cancel, .retry, .enqueue, .record, .late, .expire], budget: 3)

    /// A job that kills whoever works on it, with a neighbour.
    package static let poison = Scenario(
        "a job that kills its workers, with a neighbour",
        begin(users: 2, then: [.enqueuePoison(user: 0), .enqueue(users: [1])]),
        [.expire, .overdue, .crash], budget: 2
    ).with(\.workers, 8)

    /// A campaign under a second base, whose leader may be deposed, with a user's own job.
    package static let campaign = Scenario(
        "a campaign over two users, and promotion", begin(users: 2, then: [.enqueue(users: [0])]),
        [.feedLate, .promote, .record, .crash, .expire, .late], budget: 2
    ).with(\.hasCampaign, true)

    /// Any two disturbances of any kind.
    package static let everything = Scenario(
        "two users in one chunk, and any two disturbances", begin(users: 2, then: [.enqueue(users: [0, 1])]),
        Set(Step.Disturbance.allCases), budget: 2
    ).with(\.collects, true)

    /// Cases that together hold every step.
    package static let all: [Scenario] = [
        oneUser, oneChunk, erasure, delivery, operators, poison, campaign, everything,
    ]

    /// The same, with something of it changed.
    package func with<Value>(_ path: WritableKeyPath<Scenario, Value>, _ value: Value) -> Scenario {
        var scenario = self
        scenario[keyPath: path] = value
        return scenario
    }
}
