import Logging
import Model
import PostgresTestSupport
import Queue
import Registry
import Synchronization
import Testing
import Worker

extension EndToEnd {
    /// A worker in this process whose embedding is held up.
    @Suite(.needsPostgres, .needsS3, .timeLimit(.minutes(2))) struct SideTrackTests {
        /// Holds the first delivery that gets there until it is opened.
        private final class Gate: Sendable {
            private let state = Mutex((isReached: false, isOpen: false))

            var isReached: Bool { state.withLock { $0.isReached } }
            func open() { state.withLock { $0.isOpen = true } }

            func hold() async {
                let isFirst = state.withLock { state in
                    defer { state.isReached = true }
                    return !state.isReached
                }
                while isFirst, !Task.isCancelled, !state.withLock({ $0.isOpen }) {
                    do { try await Task.sleep(for: .milliseconds(20)) } catch { return }
                }
            }
        }

        @Test("while a delivery with many new texts is embedded, other work is claimed and done")
        func goesRound() async throws {
            try await Site.with(users: 20) { site in
                let users = (0..<10).map { "new-\($0)" }
                try await site.registry.record(
                    users.map { user in
                        Recording(
                            user: user, subjects: (0..<12).map { .text("\(user) has met number \($0)") },
                            labels: (0..<12).map { $0.isMultiple(of: 2) ? 1 : 0 })
                    }, for: Site.tenant)
                let gate = Gate()
                var configuration = WorkerConfiguration(name: "w-1")
                (configuration.heartbeatSeconds, configuration.drainSeconds) = (0.4, 20)
                let drain = DrainSwitch()
                let worker = try Worker(
                    configuration, queue: site.queue, inputs: AdaptationInputs(site.database), store: site.store,
                    encoder: TextEncoder(BaseFolder.open(try #require(TestSettings.base))), drain: drain,
                    logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
                    faults: { point in if point == .beforeEmbed { await gate.hold() } })
                let running = Task { try await worker.run() }
                _ = try await site.enqueue(users)
                try await eventually("its texts are about to be embedded") { gate.isReached }
                _ = try await site.enqueue(["u-1"])
                try await eventually("the other job ends") { try await site.endedJobs() == 1 }
                gate.open()
                try await site.everythingEnds()
                drain.begin()
                try await running.value
                #expect(worker.totals.completed + worker.totals.kept == 11)
            }
        }
    }
}
