import Postgres
import Schema

/// What an example is about: an item of the tenant's catalogue, or a text of its own.
public enum ExampleSubject: Sendable, Equatable {
    /// An item, by the tenant's id of it.
    case item(String)
    /// A text, 1 to 20,000 characters.
    case text(String)
}

/// Examples of one user, in the order of time.
public struct Recording: Sendable, Equatable {
    /// The tenant's id of the user, 1 to 200 characters.
    public var user: String
    /// What each example is about.
    public var subjects: [ExampleSubject]
    /// The label of each, finite.
    public var labels: [Float]

    /// Makes a recording; there are as many labels as subjects.
    public init(user: String, subjects: [ExampleSubject], labels: [Float]) {
        precondition(subjects.count == labels.count, "\(subjects.count) subjects, \(labels.count) labels")
        self.user = user
        self.subjects = subjects
        self.labels = labels
    }

    /// A row holds at most so many examples, and so many bytes of text; the schema checks both.
    static let limits = (examples: 4096, textBytes: 1_048_576)

    /// The recording in parts that each fit a row.
    var rows: [ArraySlice<ExampleSubject>] {
        var (rows, start, bytes) = ([ArraySlice<ExampleSubject>](), 0, 0)
        for (index, subject) in subjects.enumerated() {
            var size = 0
            if case .text(let text) = subject { size = text.utf8.count }
            if index > start, index - start == Self.limits.examples || bytes + size > Self.limits.textBytes {
                rows.append(subjects[start..<index])
                (start, bytes) = (index, 0)
            }
            bytes += size
        }
        // Also the empty recording is a row, which the schema refuses by name.
        return rows + [subjects[start...]]
    }
}

/// What an import of users' data did.
public struct RecordingReport: Sendable, Equatable {
    /// Users that have new examples.
    public let users: Int
    /// Examples recorded.
    public let examples: Int

    package init(users: Int, examples: Int) { (self.users, self.examples) = (users, examples) }
}

/// Examples that lie in an object of the store instead of a row.
public struct ExampleObject: Sendable, Equatable {
    /// The object's key, under the tenant's prefix.
    public var key: String
    /// SHA-256 of its bytes.
    public var sha256: [UInt8]
    /// Its size.
    public var byteCount: Int64
    /// How many examples it holds.
    public var exampleCount: Int

    /// Makes a reference.
    public init(key: String, sha256: [UInt8], byteCount: Int64, exampleCount: Int) {
        self.key = key
        self.sha256 = sha256
        self.byteCount = byteCount
        self.exampleCount = exampleCount
    }
}

extension Registry {
    /// Records users' examples, making users where need be, all or nothing. `write` appends the recordings; it may suspend
    /// and throw, and then nothing is recorded. Enqueues nothing.
    ///
    /// Refused, naming the row: `unknown_item`, `bad_label`, `empty_text`, `text_too_long`, `no_examples`, `bad_user_id`, …;
    /// also `unknown_tenant`.
    @discardableResult
    public func record(
        for tenant: String, catalogue: String = "default", _ write: (inout RecordingWriter) async throws -> Void
    ) async throws -> RecordingReport {
        try await pool.withTransaction { connection in
            try await connection.execute(Statement(SQL.Queries.recordBegin))
            try await connection.copyIn(Statement(SQL.Copy.recordings)) { copy in
                var writer = RecordingWriter(copy: copy)
                try await write(&writer)
                copy = writer.copy
            }
            let (_, users, examples) = try await connection.execute(
                Statement(SQL.Queries.recordCommit), [.text(tenant), .text(catalogue)]
            ).one().values(Int.self, Int.self, Int.self)
            return RecordingReport(users: users, examples: examples)
        }
    }

    /// Records examples that are in memory; as ``record(for:catalogue:_:)``.
    @discardableResult
    public func record(
        _ recordings: [Recording], for tenant: String, catalogue: String = "default"
    ) async throws -> RecordingReport {
        try await record(for: tenant, catalogue: catalogue) { writer in
            for recording in recordings { try await writer.append(recording) }
        }
    }

    /// Records examples that lie in an object which is in the store already; returns how many examples the user has now.
    /// Refused: `unknown_tenant`, `not_allowed` when the key is not under the tenant's prefix, `bad_object`.
    @discardableResult
    public func record(_ object: ExampleObject, of user: String, for tenant: String) async throws -> Int64 {
        try await pool.execute(
            Statement(SQL.Queries.recordObject),
            [
                .text(tenant), .text(user), .int32(Int32(clamping: object.exampleCount)), .text(object.key),
                .bytes(object.sha256), .int64(object.byteCount),
            ]
        ).one().decode(0)
    }
}

/// Takes recordings on their way to the server.
public struct RecordingWriter {
    fileprivate var copy: CopyWriter

    /// Adds a recording; what the server finds wrong with it is said at the end of the import.
    public mutating func append(_ recording: Recording) async throws {
        for subjects in recording.rows {
            let items: [String?] = subjects.map { if case .item(let id) = $0 { id } else { nil } }
            let texts: [String?] = subjects.map { if case .text(let text) = $0 { text } else { nil } }
            try await copy.append([
                .text(recording.user),
                items.allSatisfy { $0 == nil } ? .array([String]?.none) : .array(items),
                .array(Array(recording.labels[subjects.indices])),
                texts.allSatisfy { $0 == nil } ? .array([String]?.none) : .array(texts),
            ])
        }
    }
}
