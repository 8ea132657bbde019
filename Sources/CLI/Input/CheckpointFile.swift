import Foundation
import Problem
import Recipe

/// The file that meta-training writes where it stands to.
struct CheckpointFile {
    let path: String

    /// What an earlier training left; nil when it left nothing.
    ///
    /// - Parameter resumes: whether to go on from it.
    /// - Throws: `checkpoint_exists` where it would be overwritten, and what a malformed file gives.
    func open(resumes: Bool) throws -> MetaCheckpoint? {
        guard FileManager.default.fileExists(atPath: path) else {
            if resumes { Terminal.note("checkpoint there is none at \(path): training begins") }
            return nil
        }
        guard resumes else {
            throw Problem(
                "checkpoint_exists", at: path, "a training left a checkpoint here; nothing was started.",
                do: "go on from it with --resume, or remove it.")
        }
        return try MetaCheckpoint(decoding: [UInt8](Data(contentsOf: URL(filePath: path))), at: path)
    }

    /// Replaces the file as a whole: whoever stops at any instant leaves the old one or the new one.
    func write(_ checkpoint: MetaCheckpoint) throws {
        try Data(checkpoint.encode()).write(to: URL(filePath: path), options: .atomic)
    }

    /// Removes it once the recipe is where it was asked for.
    func remove() throws {
        if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
    }
}
