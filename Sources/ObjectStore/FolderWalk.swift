import Foundation

/// Collects one page of objects from a tree of folders, in the order of their keys' bytes.
struct FolderWalk {
    let prefix: [UInt8]
    let after: [UInt8]?
    let limit: Int
    private(set) var found: [ObjectDescription] = []

    init(prefix: [UInt8], after: [UInt8]?, limit: Int) {
        self.prefix = prefix
        self.after = after
        self.limit = limit
    }

    /// Visits one folder, whose keys begin with `name` (empty, or ending in `/`).
    mutating func visit(_ folder: URL, named name: String) throws {
        // With its slash a folder sorts where its keys do: `a-b` before `a/b` before `a0`.
        let entries = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            .filter { !$0.hasPrefix(".") && mayHold(Array((name + $0).utf8)) }
            .compactMap { entry in try Self.entry(folder.appending(path: entry), named: name + entry) }
            .sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        for entry in entries where found.count < limit {
            let key = Array(entry.key.utf8)
            if let size = entry.size {
                guard key.starts(with: prefix), after.map({ $0.lexicographicallyPrecedes(key) }) ?? true else {
                    continue
                }
                // What Attune would never have written is none of its objects.
                guard ObjectKey.isKey(entry.key) else { continue }
                found.append(ObjectDescription(key: try ObjectKey(entry.key), byteCount: size))
            } else if mayHold(key) {
                try visit(entry.url, named: entry.key)
            }
        }
    }

    /// Whether an object of that key, or one whose key begins so, can belong to the page; spares asking the disk about
    /// the others. Keys that begin with `key` lie before `after` when `key` does and is not its start.
    private func mayHold(_ key: [UInt8]) -> Bool {
        guard key.starts(with: prefix) || prefix.starts(with: key) else { return false }
        return after.map { !key.lexicographicallyPrecedes($0) || $0.starts(with: key) } ?? true
    }

    /// A folder's or a file's key and a file's size; nil for what was removed since its folder was read.
    private static func entry(_ url: URL, named key: String) throws -> (key: String, url: URL, size: Int?)? {
        do {
            let attributes = try FileManager.default.attributesOfItem(atPath: url.path)
            let isFolder = attributes[.type] as? FileAttributeType == .typeDirectory
            return isFolder ? (key + "/", url, nil) : (key, url, attributes[.size] as? Int ?? 0)
        } catch let error as CocoaError where error.code == .fileReadNoSuchFile {
            return nil
        }
    }
}
