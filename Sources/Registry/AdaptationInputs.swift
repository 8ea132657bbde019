public import Postgres
import Problem
import Schema

/// What a user recorded, newest last, as much of it as a job uses.
public struct RecordedExamples: Sendable, Equatable {
    /// One label an example.
    public var labels: [Float] = []
    /// The item an example names, nil where it carries its text.
    public var items: [Int32?] = []
    /// The text an example carries, nil where it names an item.
    public var texts: [String?] = []
    /// Recordings kept as objects because they are large, newest last; they hold older examples than the arrays' or
    /// newer ones, as ``ExamplesObject/position`` says.
    public var objects: [ExamplesObject] = []
    /// The user's `data_seq` of the same snapshot: what a revision made from this has seen.
    public var dataThrough: Int64 = 0
}

/// A recording kept in the object store.
public struct ExamplesObject: Sendable, Equatable {
    /// Its key.
    public var key: String
    /// SHA-256 of its bytes.
    public var sha256: [UInt8]
    /// Its size.
    public var byteCount: Int64
    /// How many of the arrays' examples are older than the recording.
    public var position: Int
}

/// A worker's reads: users' data, items' texts, recipe files.
public struct AdaptationInputs: Sendable {
    let pool: ConnectionPool

    /// Reads through a pool, whose role is a worker's.
    public init(_ pool: ConnectionPool) { self.pool = pool }

    /// The newest `limit` examples of each user, in the order of `uids`; one query for all of them.
    public func newestExamples(of uids: [Int64], limit: Int) async throws -> [RecordedExamples] {
        var recorded = [RecordedExamples](repeating: RecordedExamples(), count: uids.count)
        let rows = try await pool.execute(
            Statement(SQL.Queries.newestExamples), [.array(uids), .int32(Int32(clamping: limit))])
        for row in rows {
            let index = Int(try row.decode(0, as: Int64.self)) - 1
            recorded[index].dataThrough = try row.decode(1)
            if let labels = try row.decode(3, as: [Float]?.self) {
                recorded[index].items += try row.decode(2, as: [Int32?]?.self) ?? labels.map { _ in nil }
                recorded[index].texts += try row.decode(4, as: [String?]?.self) ?? labels.map { _ in nil }
                recorded[index].labels += labels
            } else if let key = try row.decode(5, as: String?.self) {
                recorded[index].objects.append(
                    ExamplesObject(
                        key: key, sha256: try row.decode(6), byteCount: try row.decode(7),
                        position: recorded[index].labels.count))
            }
        }
        return recorded
    }

    /// SHA-256 of items' texts; items that are gone are left out.
    public func itemDigests(_ items: [Int32]) async throws -> [(item: Int32, sha256: [UInt8])] {
        try await pool.execute(Statement(SQL.Queries.itemDigests), [.array(items)]).map {
            (try $0.decode(0), try $0.decode(1))
        }
    }

    /// Items' texts; items that are gone are left out.
    public func itemTexts(_ items: [Int32]) async throws -> [(item: Int32, text: String)] {
        try await pool.execute(Statement(SQL.Queries.itemTexts), [.array(items)]).map {
            (try $0.decode(0), try $0.decode(1))
        }
    }

    /// The file of a recipe.
    ///
    /// - Throws: `unknown_recipe` when it was removed since the chunk was claimed.
    public func recipeBytes(_ recipeID: Int32) async throws -> [UInt8] {
        guard let row = try await pool.execute(Statement(SQL.Queries.recipeBytes), [.int32(recipeID)]).oneOrNone()
        else {
            throw Problem(
                "unknown_recipe", at: "recipe \(recipeID)", "it is no longer registered.",
                do: "activate another recipe; the jobs run again.", isRetryable: true)
        }
        return try row.decode(0)
    }
}
