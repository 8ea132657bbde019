import Problem
import Synchronization

/// Objects in this process's memory, for tests and trials; copies share them.
public final class MemoryObjectStore: ObjectStore {
    private struct Stored {
        let bytes: [UInt8]
        let sha256: String
    }

    private let objects = Mutex<[ObjectKey: Stored]>([:])

    /// An empty store.
    public init() {}

    /// Stores the bytes; see ``ObjectStore/put(_:at:sha256:)``.
    public func put(_ bytes: [UInt8], at key: ObjectKey, sha256: String) async throws {
        try StoreProblem.check(bytes, sha256, location(key))
        let holdsOther = objects.withLock { objects in
            if let old = objects[key] { return old.sha256 != sha256 }
            objects[key] = Stored(bytes: bytes, sha256: sha256)
            return false
        }
        if holdsOther { throw StoreProblem.exists(location(key)) }
    }

    /// Reads bytes; see ``ObjectStore/get(_:range:)``.
    public func get(_ key: ObjectKey, range: Range<Int>?) async throws -> [UInt8] {
        guard let stored = objects.withLock({ $0[key] }) else { throw StoreProblem.missing(location(key)) }
        guard let range else { return stored.bytes }
        precondition(!range.isEmpty && range.lowerBound >= 0, "a range of bytes is not empty")
        guard range.upperBound <= stored.bytes.count else {
            throw StoreProblem.range(location(key), range, "the object has \(stored.bytes.count) bytes")
        }
        return Array(stored.bytes[range])
    }

    /// Describes an object; see ``ObjectStore/head(_:)``.
    public func head(_ key: ObjectKey) async throws -> ObjectDescription? {
        objects.withLock { objects in
            objects[key].map { ObjectDescription(key: key, byteCount: $0.bytes.count, sha256: $0.sha256) }
        }
    }

    /// Removes an object; see ``ObjectStore/delete(_:)``.
    public func delete(_ key: ObjectKey) async throws { _ = objects.withLock { $0.removeValue(forKey: key) } }

    /// Lists objects; see ``ObjectStore/list(prefix:after:limit:)``.
    public func list(prefix: String, after: String?, limit: Int) async throws -> [ObjectDescription] {
        precondition((1...1000).contains(limit), "a page has 1 to 1000 objects")
        let all = objects.withLock { objects in
            objects.map { ObjectDescription(key: $0.key, byteCount: $0.value.bytes.count) }
        }
        let wanted = all.filter { object in
            object.key.string.utf8.starts(with: prefix.utf8)
                && (after.map { $0.utf8.lexicographicallyPrecedes(object.key.string.utf8) } ?? true)
        }
        return Array(wanted.sorted { $0.key < $1.key }.prefix(limit))
    }

    private func location(_ key: ObjectKey) -> String { "memory:\(key)" }
}
