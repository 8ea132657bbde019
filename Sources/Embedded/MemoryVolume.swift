import Foundation
import Glibc
import Problem

/// A file system in memory, mounted on a folder, that can be made full and roomy again. Root only.
public struct MemoryVolume: Sendable {
    /// Where it is mounted.
    public let folder: String
    private let mebibytes: Int

    /// Mounts one of so many MiB on a folder that exists.
    ///
    /// - Throws: `tool_failed` where this process may not mount.
    public init(mountedOn folder: String, mebibytes: Int) throws {
        self.folder = folder
        self.mebibytes = mebibytes
        try Tool("mount", package: "mount").run(
            ["-t", "tmpfs", "-o", "size=\(mebibytes)m,mode=755", "tmpfs", folder])
    }

    /// Takes away all but a few pages of the room that is left; what is there stays.
    public func fill() throws {
        let attributes = try FileManager.default.attributesOfFileSystem(forPath: folder)
        guard let size = attributes[.systemSize] as? Int, let free = attributes[.systemFreeSize] as? Int else {
            throw Problem("file_unreadable", at: folder, "its size cannot be read.", do: "look whether it is mounted.")
        }
        // A few pages more than now, which whoever writes uses up at once: the kernel refuses to cut into what is used.
        try resize("\((size - free) / 1024 + 256)k")
    }

    /// Gives the room back.
    public func makeRoom() throws { try resize("\(mebibytes)m") }

    /// Takes it away with everything in it; a file that somebody still holds open goes when they let go of it.
    public func unmount() throws { try Tool("umount", package: "mount").run(["--lazy", folder]) }

    private func resize(_ size: String) throws {
        try Tool("mount", package: "mount").run(["-o", "remount,size=\(size)", folder])
    }
}
