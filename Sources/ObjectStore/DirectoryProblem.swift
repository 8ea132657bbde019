import Foundation
package import Problem

extension DirectoryObjectStore {
    /// A file system's error, as the person who can act on it reads it.
    package static func problem(_ error: any Error, at location: String) -> Problem {
        let code = posixCode(error)
        switch code {
        case .ENOSPC, .EDQUOT:
            return Problem(
                "disk_full", at: location, "\(words(error)); nothing was stored.",
                do: "free space on this disk or move the store; nothing is lost, the work runs again.",
                isRetryable: true)
        case .EACCES, .EPERM, .EROFS:
            return Problem(
                "store_denied", at: location, "\(words(error)).",
                do: "give this user the right to read and write there.")
        case .ENOTDIR, .EISDIR:
            return Problem(
                "object_key_conflict", at: location,
                "a part of the key is an object, or the key is a folder of others.",
                do: "choose a key that is no folder of another key.")
        default:
            return Problem(
                "store_unavailable", at: location, "\(words(error)).",
                do: "look at the disk; nothing is lost, the work runs again.", isRetryable: true)
        }
    }

    /// The system's own number, wherever Foundation put it.
    static func posixCode(_ error: any Error) -> POSIXErrorCode? {
        if let posix = error as? POSIXError { return posix.code }
        if let cocoa = error as? CocoaError {
            if let underlying = cocoa.underlying { return posixCode(underlying) }
            return cocoa.code == .fileWriteOutOfSpace ? .ENOSPC : nil
        }
        let general = error as NSError
        if general.domain == NSPOSIXErrorDomain { return POSIXErrorCode(rawValue: Int32(general.code)) }
        return (general.userInfo[NSUnderlyingErrorKey] as? any Error).flatMap(posixCode)
    }

    private static func words(_ error: any Error) -> String {
        posixCode(error).map { "\($0)" } ?? (error as NSError).localizedDescription
    }
}
