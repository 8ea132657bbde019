import Foundation
import Problem

/// What of an input was left out, and why: counted in full, listed up to a limit.
struct RejectList {
    /// One line or row that was not taken.
    struct Reject: Encodable {
        /// `file:line`.
        var location: String
        var errorClass: String
        var reason: String
    }

    private static let listedAtMost = 10_000
    private static let shownAtMost = 10

    private(set) var count = 0
    private(set) var listed: [Reject] = []

    mutating func add(_ problem: Problem) {
        count += 1
        guard listed.count < Self.listedAtMost else { return }
        listed.append(Reject(location: problem.location, errorClass: problem.errorClass, reason: problem.reason))
    }

    /// The first few on standard error, and where the rest is.
    func show(rest: String) {
        for reject in listed.prefix(Self.shownAtMost) {
            Terminal.note("rejected   \(reject.location)  \(reject.errorClass): \(reject.reason)")
        }
        if count > Self.shownAtMost { Terminal.note("… \(count - Self.shownAtMost) more, \(rest)") }
    }

    /// Ends the command with the status that tells how much was taken: all, some, nothing.
    func end(taken: Int) throws(ExitStatus) {
        if count > 0 { throw taken > 0 ? .partlyDone : .badInput }
    }
}
