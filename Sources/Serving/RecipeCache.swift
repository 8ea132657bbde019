import Recipe
import Synchronization

/// The recipes used last, by digest; a recipe with a full preconditioner takes some 600 kB.
final class RecipeCache: Sendable {
    private let limit: Int
    /// Oldest first.
    private let entries = Mutex<[(digest: String, recipe: Recipe)]>([])

    init(limit: Int) {
        precondition(limit >= 1, "a cache of at least one recipe")
        self.limit = limit
    }

    subscript(digest: String) -> Recipe? {
        get {
            entries.withLock { entries in
                guard let index = entries.firstIndex(where: { $0.digest == digest }) else { return nil }
                entries.append(entries.remove(at: index))
                return entries.last?.recipe
            }
        }
        set {
            entries.withLock { entries in
                entries.removeAll { $0.digest == digest }
                guard let newValue else { return }
                entries.append((digest, newValue))
                if entries.count > limit { entries.removeFirst() }
            }
        }
    }
}
