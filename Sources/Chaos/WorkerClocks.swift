import Foundation

/// Moves the time of day of workers, one by one, while they run, by a file that each reads its offset from.
///
/// Not by libfaketime: 0.9.10 also rewrites the timers that every sleep of a Swift program rests on, so that a clock set
/// back an hour makes the process sleep for an hour, and one set forward makes it spin. A worker asks for the time of day
/// in one place, for the signatures of its requests to the store; leases it leaves to the database.
struct WorkerClocks: Sendable {
    let folder: String

    /// The file of a worker's offset.
    func file(_ worker: Int) -> String { "\(folder)/clock-\(worker)" }

    /// Sets a worker's clock to so many seconds off the machine's, from its next look at it.
    func set(_ worker: Int, to offsetSeconds: Int) throws {
        try "\(offsetSeconds)\n".write(toFile: file(worker), atomically: true, encoding: .utf8)
    }
}
