public import Problem

/// A part of another store: the keys that begin with a prefix, without it (`s3://bucket/prefix`).
///
/// Rows name objects by the short keys, so that objects can be moved to another prefix or bucket as they are.
public struct PrefixedObjectStore: ObjectStore {
    private let store: any ObjectStore
    private let prefix: String

    /// The objects of `store` below `prefix`, a valid key without a slash at its end; throws ``Problem``
    /// `bad_object_key`.
    public init(_ store: any ObjectStore, prefix: String) throws(Problem) {
        self.store = store
        self.prefix = try ObjectKey(prefix).string + "/"
    }

    /// Stores the bytes; see ``ObjectStore/put(_:at:sha256:)``.
    public func put(_ bytes: [UInt8], at key: ObjectKey, sha256: String) async throws {
        try await store.put(bytes, at: long(key), sha256: sha256)
    }

    /// Reads bytes; see ``ObjectStore/get(_:range:)``.
    public func get(_ key: ObjectKey, range: Range<Int>?) async throws -> [UInt8] {
        try await store.get(long(key), range: range)
    }

    /// Describes an object; see ``ObjectStore/head(_:)``.
    public func head(_ key: ObjectKey) async throws -> ObjectDescription? {
        try await store.head(long(key)).map {
            ObjectDescription(key: key, byteCount: $0.byteCount, sha256: $0.sha256)
        }
    }

    /// Removes an object; see ``ObjectStore/delete(_:)``.
    public func delete(_ key: ObjectKey) async throws { try await store.delete(long(key)) }

    /// Lists objects; see ``ObjectStore/list(prefix:after:limit:)``.
    public func list(prefix: String, after: String?, limit: Int) async throws -> [ObjectDescription] {
        try await store.list(prefix: self.prefix + prefix, after: after.map { self.prefix + $0 }, limit: limit).map {
            let short = $0.key.string.utf8.dropFirst(self.prefix.utf8.count)
            return ObjectDescription(key: try ObjectKey(String(Substring(short))), byteCount: $0.byteCount)
        }
    }

    private func long(_ key: ObjectKey) throws(Problem) -> ObjectKey { try ObjectKey(prefix + key.string) }
}
