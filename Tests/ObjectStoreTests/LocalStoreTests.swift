import Foundation
import ObjectStore
import Problem
import Testing

@Suite(.timeLimit(.minutes(1))) struct LocalStoreTests {
    @Test("the store in memory does what every store must")
    func memory() async throws { try await Conformance(store: MemoryObjectStore(), prefix: "t").run() }

    @Test("the store in a folder does what every store must, and another process's store sees the same")
    func directory() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let store = try DirectoryObjectStore(path: folder.path + "/new/store")
        try await Conformance(store: store, prefix: "t").run()
        let other = try DirectoryObjectStore(path: folder.path + "/new/store")
        #expect(try await other.get(ObjectKey("t/put/twice")) == Conformance.sample(500))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/new/store/.partial").isEmpty)
    }

    @Test("a part of a store does what every store must, and sees nothing beside its prefix")
    func prefixed() async throws {
        let whole = MemoryObjectStore()
        let digest = Digest.sha256([1])
        for key in ["part", "part2/a", "a"] { try await whole.put([1], at: ObjectKey(key), sha256: digest) }
        let store = try PrefixedObjectStore(whole, prefix: "part/of")
        #expect(try await store.list(prefix: "", after: nil, limit: 10).isEmpty)
        try await Conformance(store: store, prefix: "t").run()
        #expect(try await whole.get(ObjectKey("part/of/t/put/twice")) == store.get(ObjectKey("t/put/twice")))
        for prefix in ["", "a/", "/a", "../a"] {
            #expect(throws: Problem.self) { try PrefixedObjectStore(whole, prefix: prefix) }
        }
    }

    @Test("keys that could leave a folder, or that a store cannot hold, are refused")
    func keys() throws {
        let bad = [
            "", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/../b", ".hidden", "a/.partial/b", "a\u{0}b", "a\nb",
            "a\u{7F}", String(repeating: "x", count: 256), String(repeating: "abc/", count: 256) + "d",
        ]
        for text in bad { #expect(throws: Problem.self, "\(text.debugDescription)") { try ObjectKey(text) } }
        for text in ["a", "a/b", "a..b", "a/b.c", String(repeating: "x", count: 255)] {
            #expect(try ObjectKey(text).string == text)
        }
        #expect(try ObjectKey("e\u{301}") != ObjectKey("\u{e9}"))
    }

    @Test("a key below an object, and one that is a folder of others, are refused by a folder")
    func folderConflict() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let store = try DirectoryObjectStore(path: folder.path)
        let digest = Digest.sha256([1])
        try await store.put([1], at: ObjectKey("a/b"), sha256: digest)
        for key in ["a", "a/b/c"] {
            #expect(
                await errorClass { try await store.put([1], at: ObjectKey(key), sha256: digest) }
                    == "object_key_conflict", "\(key)")
        }
    }

    @Test("a file that a crash left half written is no object, and is removed after a day")
    func leftovers() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        _ = try DirectoryObjectStore(path: folder.path)
        for (name, age) in [("young", 3600.0), ("old", 90_000.0)] {
            let path = "\(folder.path)/.partial/\(name)"
            try Data([1, 2]).write(to: URL(filePath: path))
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSinceNow: -age)], ofItemAtPath: path)
        }
        let store = try DirectoryObjectStore(path: folder.path)
        #expect(try await store.list(prefix: "", after: nil, limit: 10).isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/.partial") == ["young"])
    }

    @Test("a full disk is named as such and may be tried again")
    func fullDisk() throws {
        // The kernel's own full device; what the store makes of its error is the same for a file.
        do {
            try DirectoryObjectStore.write([1, 2, 3], to: URL(filePath: "/dev/full"))
            Issue.record("/dev/full took bytes")
        } catch {
            let problem = DirectoryObjectStore.problem(error, at: "/store/a")
            #expect(problem.errorClass == "disk_full" && problem.isRetryable)
            #expect(problem.location == "/store/a")
        }
    }

    @Test("a folder that cannot be made is named with the reason")
    func unusable() {
        #expect { try DirectoryObjectStore(path: "/dev/null/store") } throws: { error in
            (error as? Problem)?.location == "/dev/null/store"
        }
        #expect { try DirectoryObjectStore(path: "/proc/attune-store") } throws: { error in
            ["store_denied", "store_unavailable"].contains((error as? Problem)?.errorClass)
        }
    }
}

/// A folder of its own for one test.
struct TemporaryFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "attune-store-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    func remove() { #expect(throws: Never.self) { try FileManager.default.removeItem(atPath: path) } }
}
