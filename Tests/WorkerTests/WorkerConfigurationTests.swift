import Problem
import Testing
import Worker

@Suite struct WorkerConfigurationTests {
    private func refusal(_ change: (inout WorkerConfiguration) -> Void) -> Problem? {
        var configuration = WorkerConfiguration(name: "w-1")
        change(&configuration)
        do throws(Problem) {
            try configuration.validate()
            return nil
        } catch {
            return error
        }
    }

    @Test("the defaults hold")
    func defaults() { #expect(refusal { _ in } == nil) }

    @Test("a field out of its range is refused by name, with its value and the range")
    func ranges() {
        let cases: [(String, (inout WorkerConfiguration) -> Void)] = [
            ("name", { $0.name = "" }),
            ("name", { $0.name = String(repeating: "x", count: 101) }),
            ("heartbeat 0.05", { $0.heartbeatSeconds = 0.05 }),
            ("heartbeat nan", { $0.heartbeatSeconds = .nan }),
            ("jobs per claim 0", { $0.jobsPerClaim = 0 }),
            ("jobs per claim 10001", { $0.jobsPerClaim = 10_001 }),
            ("deliveries in flight 17", { $0.deliveriesInFlight = 17 }),
            ("compute threads 0", { $0.computeThreads = 0 }),
            ("cache 1000", { $0.cacheBytes = 1000 }),
            ("idle pause 61.0", { $0.idleSeconds = 61 }),
            ("drain -1.0", { $0.drainSeconds = -1 }),
        ]
        for (words, change) in cases {
            let problem = refusal(change)
            #expect(problem?.errorClass == "configuration_wrong" && problem?.reason.contains(words) == true, "\(words)")
        }
    }

    @Test("a lease that does not outlast two heartbeats is refused: one lost heartbeat would cost it")
    func lease() throws {
        let configuration = WorkerConfiguration(name: "w-1")
        #expect(configuration.heartbeatSeconds == 5)
        try configuration.check(leaseSeconds: 11)
        #expect(throws: Problem.self) { try configuration.check(leaseSeconds: 10) }
    }
}
