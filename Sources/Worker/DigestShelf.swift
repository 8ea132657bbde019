import Synchronization

/// Values by the digest of the file that they were read from; those used last are kept.
final class DigestShelf<Value: Sendable>: Sendable {
    private let shelf = Mutex<[(digest: String, value: Value)]>([])
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// The value of a digest, loaded where it is not known. Two that ask first both load it.
    func value(of digest: String, load: () async throws -> Value) async throws -> Value {
        let known = shelf.withLock { shelf -> Value? in
            guard let index = shelf.firstIndex(where: { $0.digest == digest }) else { return nil }
            shelf.append(shelf.remove(at: index))
            return shelf.last?.value
        }
        if let known { return known }
        let value = try await load()
        shelf.withLock { shelf in
            guard !shelf.contains(where: { $0.digest == digest }) else { return }
            shelf.append((digest, value))
            if shelf.count > limit { shelf.removeFirst() }
        }
        return value
    }
}
