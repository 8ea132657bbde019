import Population
import Postgres
import Problem
import Registry
import Schema

/// Records users' examples, a batch a transaction; a user whom the database refuses costs no other user anything.
struct UserImport {
    /// What was recorded.
    struct Counts: Encodable {
        var users = 0
        var examples = 0
        /// Users left out because they had examples already.
        var skipped = 0
    }

    /// A user and the place in the input that rejects name.
    private struct Entry {
        var user: UserExamples
        var location: String
    }

    private static let batchUsers = 1000
    private static let batchExamples = 50_000

    let database: ConnectionPool
    let tenant: String
    let catalogue: String
    let skipsUsersWithExamples: Bool
    private(set) var counts = Counts()
    private(set) var rejects = RejectList()
    private var batch: [Entry] = []
    private var exampleCount = 0

    init(database: ConnectionPool, tenant: String, catalogue: String, skipsUsersWithExamples: Bool) {
        self.database = database
        self.tenant = tenant
        self.catalogue = catalogue
        self.skipsUsersWithExamples = skipsUsersWithExamples
    }

    /// Notes something that was refused before it came here.
    mutating func reject(_ problem: Problem) { rejects.add(problem) }

    /// Takes a user; says whether a batch is due, so that the caller can bring the items first.
    mutating func add(_ user: UserExamples, at location: String) -> Bool {
        batch.append(Entry(user: user, location: location))
        exampleCount += user.examples.count
        return batch.count >= Self.batchUsers || exampleCount >= Self.batchExamples
    }

    /// Records what was taken since the last call.
    mutating func flush() async throws {
        defer { (batch, exampleCount) = ([], 0) }
        var entries = batch
        if skipsUsersWithExamples {
            let known = try await database.run(
                SQL.Queries.usersWithExamples, [.text(tenant), .array(entries.map(\.user.user))]
            ).map { try $0.decode(0, as: String.self) }
            let names = Set(known)
            entries.removeAll { names.contains($0.user.user) }
            counts.skipped += batch.count - entries.count
        }
        try await record(entries[...])
    }

    /// Records entries, or, where the database refuses one of them, halves until it is alone.
    private mutating func record(_ entries: ArraySlice<Entry>) async throws {
        guard let first = entries.first else { return }
        do {
            try await recordTogether(entries)
            counts.users += entries.count
            counts.examples += entries.reduce(0) { $0 + $1.user.examples.count }
        } catch let error as PostgresError where Self.concernsARow(error) {
            guard entries.count > 1 else {
                var problem = error.problem
                problem.location = first.location
                return rejects.add(problem)
            }
            let middle = entries.startIndex + entries.count / 2
            try await record(entries[..<middle])
            try await record(entries[middle...])
        }
    }

    /// Whether the refusal is of one user rather than of the whole import.
    private static func concernsARow(_ error: PostgresError) -> Bool {
        guard error.sqlState?.isRaisedByAttune == true else { return false }
        return !["unknown_tenant", "not_allowed", "not_begun"].contains(error.detail ?? "")
    }

    private func recordTogether(_ entries: ArraySlice<Entry>) async throws {
        try await Registry(database).record(
            entries.map { Recording($0.user) }, for: tenant, catalogue: catalogue)
    }
}

extension Recording {
    /// An example that names an item does not carry the text as well.
    fileprivate init(_ user: UserExamples) {
        let subjects = user.examples.map { example -> ExampleSubject in
            if let item = example.item { .item(item) } else { .text(example.text ?? "") }
        }
        self.init(user: user.user, subjects: subjects, labels: user.examples.map(\.label))
    }
}
