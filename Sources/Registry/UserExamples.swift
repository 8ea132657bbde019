import Postgres
import Schema

/// What a stored example is about.
public enum StoredSubject: Sendable, Equatable {
    /// An item of the catalogue, by its surrogate id.
    case item(Int32)
    /// A text of its own.
    case text(String)
}

/// A user's examples as a worker reads them, in the order of time.
public struct StoredExamples: Sendable, Equatable {
    /// The user's surrogate id.
    public let uid: Int64
    /// What each example is about.
    public private(set) var subjects: [StoredSubject] = []
    /// The label of each.
    public private(set) var labels: [Float] = []
    /// Examples that lie in objects instead.
    public private(set) var objects: [PlacedObject] = []

    /// Examples in an object, which come before the example at `position`.
    public struct PlacedObject: Sendable, Equatable {
        /// An index of `subjects`, or their count.
        public let position: Int
        /// Where they lie.
        public let object: ExampleObject
    }

    init(uid: Int64) { self.uid = uid }

    /// Adds what one row holds.
    mutating func append(_ row: Row) throws {
        guard let labels: [Float] = try row.decode("labels") else {
            let object = ExampleObject(
                key: try row.decode("object_key"), sha256: try row.decode("sha256"),
                byteCount: try row.decode("byte_count"), exampleCount: try row.decode("example_count"))
            objects.append(PlacedObject(position: subjects.count, object: object))
            return
        }
        self.labels += labels
        guard let texts: [String?] = try row.decode("texts") else {
            // No texts: every example names an item, so the array has no NULLs.
            subjects += try row.decode("items", as: [Int32].self).map(StoredSubject.item)
            return
        }
        let items: [Int32?] = try row.decode("items", as: [Int32?]?.self) ?? Array(repeating: nil, count: texts.count)
        subjects += try zip(items, texts).map { item, text in
            if let text { return .text(text) }
            guard let item else {
                throw PostgresError(.decoding, "user \(uid) has an example with neither item nor text")
            }
            return .item(item)
        }
    }

    /// Keeps the newest examples only; objects are left for their reader to cut.
    mutating func keepNewest(_ limit: Int) {
        guard objects.isEmpty, labels.count > limit else { return }
        subjects.removeFirst(subjects.count - limit)
        labels.removeFirst(labels.count - limit)
    }
}

extension Registry {
    /// The newest examples of each user, up to `newest`, as they stood when the user's `data_seq` was `through`. Users
    /// without data have no entry; with objects among it there may be more than `newest`.
    ///
    /// - Parameter wanted: at most one entry a user.
    public func examples(
        _ wanted: [(uid: Int64, through: Int64)], newest: Int
    ) async throws -> [Int64: StoredExamples] {
        let rows = try await pool.execute(
            Statement(SQL.Queries.userExamples),
            [.array(wanted.map(\.uid)), .array(wanted.map(\.through)), .int64(Int64(newest))])
        var (users, current) = ([Int64: StoredExamples](minimumCapacity: wanted.count), StoredExamples?.none)
        func finish(_ user: StoredExamples?) {
            guard var user else { return }
            user.keepNewest(newest)
            users[user.uid] = user
        }
        for row in rows {
            let uid: Int64 = try row.decode(0)
            if current?.uid != uid {
                finish(current)
                current = StoredExamples(uid: uid)
            }
            try current?.append(row)
        }
        finish(current)
        return users
    }
}
