import Blocking
package import Foundation
public import Problem
import Synchronization

/// Objects as files under one folder, which several processes may share.
///
/// A put writes and syncs a file beside the objects, then links it to its name, which fails where the name is taken,
/// then syncs the folder: a crash leaves the object whole or absent. Files that a crash left half written lie in
/// `.partial` and are removed a day later, when the store is next opened. The file system must have hard links.
public final class DirectoryObjectStore: ObjectStore {
    private static let partialFolder = ".partial"
    /// No put takes a day.
    private static let partialLifetimeSeconds = 86_400.0

    private let root: URL
    private let durableFolders = Mutex<Set<String>>([])
    /// Disks serve a few requests at once better than one, and many no better than a few.
    private let threads = ComputeThreads(count: 4)

    /// Opens the folder at `path`, making it where it is not there; throws ``Problem`` `store_denied`, `disk_full` or
    /// `store_unavailable`.
    public init(path: String) throws(Problem) {
        root = URL(filePath: path, directoryHint: .isDirectory).standardizedFileURL
        let partial = root.appending(path: Self.partialFolder, directoryHint: .isDirectory)
        do {
            try FileManager.default.createDirectory(at: partial, withIntermediateDirectories: true)
            for name in try FileManager.default.contentsOfDirectory(atPath: partial.path) {
                try Self.removeIfOld(partial.appending(path: name))
            }
        } catch {
            throw Self.problem(error, at: root.path)
        }
    }

    /// Stores the bytes; see ``ObjectStore/put(_:at:sha256:)``.
    public func put(_ bytes: [UInt8], at key: ObjectKey, sha256: String) async throws {
        let file = url(key)
        try await run(file.path) { [self] in
            try StoreProblem.check(bytes, sha256, file.path)
            let partial = root.appending(path: Self.partialFolder).appending(path: UUID().uuidString)
            // Data.write removes the file when it fails, and here it must not replace one.
            try Self.write(bytes, to: partial, options: .withoutOverwriting)
            defer { Self.discard(partial) }
            try makeFolders(for: key)
            do {
                try FileManager.default.linkItem(at: partial, to: file)
            } catch let error as CocoaError where error.code == .fileWriteFileExists {
                guard let size = try Self.regularSize(file) else { throw POSIXError(.EISDIR) }
                guard size == bytes.count, try Self.content(file, size) == bytes else {
                    throw StoreProblem.exists(file.path)
                }
            }
            try Self.sync(file.deletingLastPathComponent())
        }
    }

    /// Reads bytes; see ``ObjectStore/get(_:range:)``.
    public func get(_ key: ObjectKey, range: Range<Int>?) async throws -> [UInt8] {
        precondition(range.map { !$0.isEmpty && $0.lowerBound >= 0 } ?? true, "a range of bytes is not empty")
        let file = url(key)
        return try await run(file.path) {
            guard let size = try Self.regularSize(file) else { throw StoreProblem.missing(file.path) }
            guard let range else { return try Self.content(file, size) }
            guard range.upperBound <= size else {
                throw StoreProblem.range(file.path, range, "the object has \(size) bytes")
            }
            let handle = try FileHandle(forReadingFrom: file)
            try handle.seek(toOffset: UInt64(range.lowerBound))
            let bytes = try handle.read(upToCount: range.count) ?? Data()
            try handle.close()
            guard bytes.count == range.count else {
                throw StoreProblem.range(file.path, range, "\(bytes.count) came")
            }
            return Array(bytes)
        }
    }

    /// Describes an object; see ``ObjectStore/head(_:)``.
    public func head(_ key: ObjectKey) async throws -> ObjectDescription? {
        let file = url(key)
        return try await run(file.path) {
            try Self.regularSize(file).map { ObjectDescription(key: key, byteCount: $0) }
        }
    }

    /// Removes an object; see ``ObjectStore/delete(_:)``. Its folder stays: a put may be about to use it.
    public func delete(_ key: ObjectKey) async throws {
        let file = url(key)
        try await run(file.path) {
            guard try Self.regularSize(file) != nil else { return }
            do {
                try FileManager.default.removeItem(at: file)
            } catch let error as CocoaError where error.code == .fileNoSuchFile {
                return
            }
            try Self.sync(file.deletingLastPathComponent())
        }
    }

    /// Lists objects; see ``ObjectStore/list(prefix:after:limit:)``. Reads only the folders that can hold some.
    public func list(prefix: String, after: String?, limit: Int) async throws -> [ObjectDescription] {
        precondition((1...1000).contains(limit), "a page has 1 to 1000 objects")
        return try await run(root.path) { [root] in
            var walk = FolderWalk(prefix: Array(prefix.utf8), after: after.map { Array($0.utf8) }, limit: limit)
            try walk.visit(root, named: "")
            return walk.found
        }
    }

    private func url(_ key: ObjectKey) -> URL { root.appending(path: key.string, directoryHint: .notDirectory) }

    /// Runs blocking work on the store's own threads and words what goes wrong.
    private func run<Result: Sendable>(
        _ location: String, _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await threads.run { _ in
            do {
                return try body()
            } catch let problem as Problem {
                throw problem
            } catch {
                throw Self.problem(error, at: location)
            }
        }
    }

    /// Writes the bytes and waits until they are on the disk.
    package static func write(_ bytes: [UInt8], to file: URL, options: Data.WritingOptions = []) throws {
        try Data(bytes).write(to: file, options: options)
        let handle = try FileHandle(forWritingTo: file)
        try handle.synchronize()
        try handle.close()
    }

    /// Makes the folders of a key. A folder is synced into its parent once per process even where it was there: the
    /// process that made it may not have come to that.
    private func makeFolders(for key: ObjectKey) throws {
        var folder = root
        // By bytes: a combining mark after the slash would make one character of both.
        for part in key.string.utf8.split(separator: UInt8(ascii: "/")).dropLast() {
            let next = folder.appending(path: String(Substring(part)), directoryHint: .isDirectory)
            if !durableFolders.withLock({ $0.contains(next.path) }) {
                // Not "with intermediates": that would say nothing of a file in its place.
                do {
                    try FileManager.default.createDirectory(at: next, withIntermediateDirectories: false)
                } catch let error as CocoaError where error.code == .fileWriteFileExists {
                    guard try Self.regularSize(next) == nil else { throw POSIXError(.ENOTDIR) }
                }
                try Self.sync(folder)
                durableFolders.withLock { _ = $0.insert(next.path) }
            }
            folder = next
        }
    }

    /// Waits until the folder's entries are on the disk.
    private static func sync(_ folder: URL) throws {
        let handle = try FileHandle(forReadingFrom: folder)
        try handle.synchronize()
        try handle.close()
    }

    /// All bytes of a file. Foundation (Swift 6.3.1) leaks its buffer when it reads an empty one.
    private static func content(_ file: URL, _ size: Int) throws -> [UInt8] {
        size == 0 ? [] : Array(try Data(contentsOf: file))
    }

    /// The size of a regular file; nil where there is none.
    private static func regularSize(_ file: URL) throws -> Int? {
        do {
            let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
            guard attributes[.type] as? FileAttributeType == .typeRegular else { return nil }
            return attributes[.size] as? Int
        } catch let error as CocoaError where error.code == .fileReadNoSuchFile {
            return nil
        } catch  where posixCode(error) == .ENOTDIR {
            return nil
        }
    }

    private static func removeIfOld(_ file: URL) throws {
        let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
        guard let written = attributes[.modificationDate] as? Date,
            written.timeIntervalSinceNow < -partialLifetimeSeconds
        else { return }
        discard(file)
    }

    /// Removes a partial file. A failure costs its space until the store is next opened a day later, nothing else,
    /// and another process may have removed it first.
    private static func discard(_ file: URL) {
        do { try FileManager.default.removeItem(at: file) } catch {}
    }
}
