import Foundation
import Problem

/// Lines of a file that were not taken, kept in `FILE.rejected` so that only they need to be sent again.
///
/// The file comes into being beside its name and replaces an older one at the end: sending `jobs.rejected` itself writes
/// `jobs.rejected.rejected`.
struct RejectedLines {
    private let path: String
    private var handle: FileHandle?
    private(set) var list = RejectList()

    init(of file: String) { path = file + ".rejected" }

    mutating func add(_ problem: Problem, bytes: [UInt8]) throws {
        list.add(problem)
        if handle == nil {
            guard FileManager.default.createFile(atPath: path, contents: nil) else {
                throw Problem(
                    "file_unwritable", at: path, "cannot be made; rejected lines go there.",
                    do: "check the folder's owner, or copy the file where you may write.")
            }
            handle = try FileHandle(forWritingTo: URL(filePath: path))
        }
        try handle?.write(contentsOf: Data(bytes + [UInt8(ascii: "\n")]))
    }

    /// Closes the file; its path when there is one.
    func finish() throws -> String? {
        guard let handle else { return nil }
        try handle.close()
        return path
    }
}
