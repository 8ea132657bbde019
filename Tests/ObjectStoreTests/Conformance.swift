import ObjectStore
import Problem
import Testing

/// What every object store must do; each implementation's suite calls ``run()``.
struct Conformance {
    let store: any ObjectStore
    /// Keys of this run begin with it: stores may be shared.
    let prefix: String

    func run() async throws {
        try await sizes()
        try await puts()
        try await ranges()
        try await missing()
        try await oddKeys()
        try await pages()
        try await concurrency()
        try await listingWhileDeleting()
    }

    /// Bytes that differ by seed.
    static func sample(_ count: Int, seed: Int = 0) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: ($0 &* 167 &+ seed) ^ ($0 >> 8)) }
    }

    private func key(_ name: String) throws -> ObjectKey { try ObjectKey("\(prefix)/\(name)") }

    private func put(_ bytes: [UInt8], _ key: ObjectKey) async throws {
        try await store.put(bytes, at: key, sha256: Digest.sha256(bytes))
    }

    private func sizes() async throws {
        for count in [0, 1, 4096, 100_000, 8 << 20] {
            let key = try key("size-\(count)")
            let bytes = Self.sample(count)
            try await put(bytes, key)
            #expect(try await store.get(key) == bytes)
            #expect(try await store.head(key)?.byteCount == count)
            #expect(try await store.head(key)?.key == key)
        }
    }

    private func puts() async throws {
        let key = try key("put/twice")
        let bytes = Self.sample(500)
        try await put(bytes, key)
        try await put(bytes, key)
        #expect(await errorClass { try await put(Self.sample(501), key) } == "object_exists")
        #expect(await errorClass { try await put(Self.sample(500, seed: 1), key) } == "object_exists")
        #expect(try await store.get(key) == bytes)
        let other = try self.key("put/wrong")
        #expect(
            await errorClass { try await store.put(bytes, at: other, sha256: Digest.sha256([])) } == "digest_mismatch")
        #expect(try await store.head(other) == nil)
    }

    private func ranges() async throws {
        let key = try key("ranges")
        let bytes = Self.sample(1000)
        try await put(bytes, key)
        for range in [0..<1, 0..<1000, 999..<1000, 17..<530] {
            #expect(try await store.get(key, range: range) == Array(bytes[range]))
        }
        for range in [0..<1001, 999..<1001, 1000..<1001, 5000..<6000] {
            #expect(await errorClass { _ = try await store.get(key, range: range) } == "range_not_satisfiable")
        }
    }

    private func missing() async throws {
        for name in ["nothing", "ranges/below", "put"] {
            let key = try key(name)
            #expect(await errorClass { _ = try await store.get(key) } == "object_missing", "\(name)")
            #expect(await errorClass { _ = try await store.get(key, range: 0..<1) } == "object_missing")
            #expect(try await store.head(key) == nil)
            try await store.delete(key)
        }
        let key = try key("deleted")
        try await put([1], key)
        try await store.delete(key)
        #expect(try await store.head(key) == nil)
        try await put([2], key)
        #expect(try await store.get(key) == [2])
    }

    private func oddKeys() async throws {
        let names = [
            "sp ace", "plus+and&eq=", "per%cent%2F", "que?ry#frag", "quote'\"<>`", "paren()!*,;:@$", "back\\slash",
            "ü/日本/🙂", "e\u{301}", "\u{e9}", "~tilde-_.", "[br]{ace}^|", "UPPER", "upper", "\u{301}mark/\u{301}mark",
            String(repeating: "x", count: 255),
        ]
        for (index, name) in names.enumerated() { try await put([UInt8(index)], key("odd/\(name)")) }
        for (index, name) in names.enumerated() {
            #expect(try await store.get(key("odd/\(name)")) == [UInt8(index)], "\(name)")
        }
        let listed = try await store.list(prefix: "\(prefix)/odd/", after: nil, limit: 1000).map(\.key)
        #expect(listed == (try names.map { try key("odd/\($0)") }.sorted()))
    }

    private func pages() async throws {
        let names = (0..<23).map { "p\($0)" } + ["a-b", "a/b", "a/c/d", "a0", "z/1", "z/2"]
        for name in names { try await put(Array(name.utf8), key("list/\(name)")) }
        let expected = try names.map { try key("list/\($0)") }.sorted()
        for limit in [1, 2, 7, 29, 30, 1000] {
            var seen: [ObjectKey] = []
            while true {
                let page = try await store.list(prefix: "\(prefix)/list/", after: seen.last?.string, limit: limit)
                #expect(page.count == min(limit, expected.count - seen.count))
                for object in page { #expect(object.byteCount == object.key.string.utf8.count - prefix.utf8.count - 6) }
                seen += page.map(\.key)
                if page.count < limit { break }
            }
            #expect(seen == expected, "pages of \(limit)")
        }
        for (start, count) in [("list/a", 4), ("list/a/", 2), ("list/p1", 11), ("list/nothing", 0), ("list/z/2", 1)] {
            #expect(try await store.list(prefix: "\(prefix)/\(start)", after: nil, limit: 1000).count == count)
        }
        #expect(try await store.list(prefix: "\(prefix)/list/", after: "\(prefix)/list/z", limit: 10).count == 2)
    }

    private func concurrency() async throws {
        let same = try key("concurrent/same")
        let race = try key("concurrent/race")
        let winners = try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<12 {
                group.addTask {
                    let bytes = Self.sample(20_000, seed: index)
                    let own = try key("concurrent/\(index)")
                    try await put(bytes, own)
                    try await put(Self.sample(3000), same)
                    guard try await store.get(own) == bytes else { throw CancellationError() }
                    return await errorClass { try await put([UInt8(index)], race) } == nil
                }
            }
            return try await group.reduce(into: [Bool]()) { $0.append($1) }
        }
        #expect(winners.filter { $0 }.count == 1, "one of twelve writers of a key wins")
        #expect(try await store.get(same) == Self.sample(3000))
        #expect(try await store.get(race).count == 1)
    }
}

extension Conformance {
    /// Objects that stay are listed whatever disappears around them.
    private func listingWhileDeleting() async throws {
        let keep = try (0..<10).map { try ObjectKey("\(prefix)/mixed/\($0)-keep") }
        let drop = try (0..<60).map { try ObjectKey("\(prefix)/mixed/\($0 % 10)-\($0)") }
        for key in keep + drop { try await store.put([], at: key, sha256: Digest.sha256([])) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { for key in drop { try await store.delete(key) } }
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<10 {
                        let listed = try await store.list(prefix: "\(prefix)/mixed/", after: nil, limit: 100)
                        #expect(Set(listed.map(\.key)).isSuperset(of: keep))
                    }
                }
            }
            try await group.waitForAll()
        }
        let rest = try await store.list(prefix: "\(prefix)/mixed/", after: nil, limit: 100)
        #expect(rest.map(\.key) == keep)
    }
}

/// The class of the ``Problem`` that `body` throws; nil when it throws none.
func errorClass(_ body: () async throws -> Void) async -> String? {
    do {
        try await body()
        return nil
    } catch {
        return (error as? Problem)?.errorClass ?? "\(error)"
    }
}
