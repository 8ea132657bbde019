import Logging
import Postgres
import Problem
import Queue

/// What a leader does beside its ticks: keep history bounded and look what hurts. Slow servers make these slow, and must not
/// make the ticks late; a failure delays them and nothing else.
extension Scheduler {
    /// Goes on until the task is cancelled or another leads.
    func keepUp(epoch: Int64) async {
        var examinedAt: ContinuousClock.Instant?
        while !Task.isCancelled {
            do {
                try await keepHistory(epoch: epoch)
                if examinedAt.map({ .now - $0 >= .seconds(configuration.healthSeconds) }) ?? true {
                    examinedAt = .now
                    try await examineHealth(epoch: epoch)
                }
                try await Task.sleep(for: .seconds(configuration.historySeconds))
            } catch is CancellationError {
                return
            } catch {
                let problem = (error as? any ProblemConvertible)?.problem
                if Task.isCancelled || problem?.errorClass == "deposed" { return }
                logger.warning(
                    "upkeep failed",
                    metadata: ["error": "\(problem.map { "\($0.errorClass): \($0.reason)" } ?? "\(error)")"])
                do { try await Task.sleep(for: .seconds(configuration.historySeconds)) } catch { return }
            }
        }
    }

    private func keepHistory(epoch: Int64) async throws {
        let report = try await history.step(epoch: epoch)
        if report.closed > 0 { logger.info("history closed", metadata: ["partitions": "\(report.closed)"]) }
        switch report.departure {
        case .nothing: break
        case .dropped, .removed: logger.info("history \(report.departure.rawValue)")
        case .busy, .waiting: logger.debug("history \(report.departure.rawValue)")
        }
    }

    /// Makes the checks and keeps what they found as rows of attune.health.
    func examineHealth(epoch: Int64) async throws {
        var readings = try await health.examine()
        readings.add("pooler", HealthReadings.Reading(try await PoolerProbe(conninfo).run()))
        let count = try await health.record(readings, epoch: epoch)
        if count > 0 { logger.debug("health", metadata: ["findings": "\(count)"]) }
    }
}
