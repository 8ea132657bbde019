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
            .filter { !$0.hasPrefix(".") }
            .map { entry -> (key: String, size: Int?) in
                let attributes = try FileManager.default.attributesOfItem(
                    atPath: folder.appending(path: entry).path)
                let isFolder = attributes[.type] as? FileAttributeType == .typeDirectory
                return isFolder ? (name + entry + "/", nil) : (name + entry, attributes[.size] as? Int ?? 0)
            }
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
            } else if key.starts(with: prefix) || prefix.starts(with: key) {
                // All keys of this folder begin with `key`; they lie before `after` when `key` does and is not its start.
                if let after, key.lexicographicallyPrecedes(after), !after.starts(with: key) { continue }
                try visit(folder.appending(path: String(entry.key.dropFirst(name.count).dropLast())), named: entry.key)
            }
        }
    }
}
