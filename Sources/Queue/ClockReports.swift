import Synchronization

/// When each worker of this process last told the database its time, so that it does so once a minute and not with every
/// heartbeat.
final class ClockReports: Sendable {
    private let told = Mutex<[Int64: ContinuousClock.Instant]>([:])

    /// Whether it is time again; takes note that it will be done.
    func isDue(_ workerID: Int64, every interval: Duration = .seconds(60)) -> Bool {
        told.withLock { told in
            if let last = told[workerID], ContinuousClock.now - last < interval { return false }
            told[workerID] = .now
            return true
        }
    }
}
