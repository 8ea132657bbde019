import Problem

/// Keeps immutable objects by key: S3, a directory, or memory.
///
/// Every method throws ``Problem``, or `CancellationError` when its task was cancelled. The classes are the same in
/// every store: `object_missing`, `object_exists`, `digest_mismatch`, `range_not_satisfiable`, `bucket_missing`,
/// `store_denied`, `store_full` or `disk_full`, `store_unavailable` (and others that name a wrong configuration).
/// A key may not be the folder of another key (`a` beside `a/b`): a directory cannot hold both.
public protocol ObjectStore: Sendable {
    /// Makes an object that did not exist. The same bytes under the same key again succeed, so that an attempt may be
    /// repeated after a lost reply; other bytes are refused as `object_exists`. On return the object is durable.
    ///
    /// - Parameter sha256: the bytes' SHA-256 in 64 hexadecimal digits; another digest is refused as
    ///   `digest_mismatch` and nothing is stored.
    func put(_ bytes: [UInt8], at key: ObjectKey, sha256: String) async throws

    /// The bytes of an object, or of a non-empty `range` of it; a range that reaches past the end is refused as
    /// `range_not_satisfiable`. Digests are the caller's to check.
    func get(_ key: ObjectKey, range: Range<Int>?) async throws -> [UInt8]

    /// What is known of an object without reading it; nil when it is not there.
    func head(_ key: ObjectKey) async throws -> ObjectDescription?

    /// Removes an object; one that is not there is as good as removed.
    func delete(_ key: ObjectKey) async throws

    /// At most `limit` (1 to 1,000) objects whose keys begin with `prefix` and come after `after`, in the order of
    /// their keys' bytes; fewer only when there are no more. Objects whose keys are no ``ObjectKey`` are left out.
    func list(prefix: String, after: String?, limit: Int) async throws -> [ObjectDescription]
}

extension ObjectStore {
    /// All bytes of an object.
    public func get(_ key: ObjectKey) async throws -> [UInt8] { try await get(key, range: nil) }
}

/// What a store says of an object.
public struct ObjectDescription: Sendable, Hashable {
    /// Its key.
    public let key: ObjectKey
    /// Its size.
    public let byteCount: Int
    /// The SHA-256 it was put with, in hexadecimal, where the store keeps that and was asked for it: `head` on S3 and
    /// in memory.
    public let sha256: String?

    /// Makes a description.
    public init(key: ObjectKey, byteCount: Int, sha256: String? = nil) {
        self.key = key
        self.byteCount = byteCount
        self.sha256 = sha256
    }
}

/// The problems that every store words alike.
enum StoreProblem {
    static func missing(_ location: String) -> Problem {
        Problem(
            "object_missing", at: location, "no such object.",
            do: "check the bucket or folder and the key; an object is removed only when nothing names it any more.")
    }

    static func exists(_ location: String) -> Problem {
        Problem(
            "object_exists", at: location, "the key holds other bytes already; nothing was written.",
            do: "put these bytes under a key of their own: keys are never used twice.")
    }

    static func range(_ location: String, _ range: Range<Int>, _ size: String) -> Problem {
        Problem(
            "range_not_satisfiable", at: location,
            "bytes \(range.lowerBound) to \(range.upperBound - 1) were asked for, \(size).",
            do: "check what recorded this range: the object is not the one that was meant.")
    }

    /// Refuses bytes whose digest is not the stated one.
    static func check(_ bytes: [UInt8], _ sha256: String, _ location: String) throws(Problem) {
        let actual = Digest.sha256(bytes)
        guard actual != sha256 else { return }
        throw Problem(
            "digest_mismatch", at: location, "the bytes have SHA-256 \(actual), stated was \(sha256.prefix(64)).",
            do: "nothing was stored; make the object again.")
    }
}
