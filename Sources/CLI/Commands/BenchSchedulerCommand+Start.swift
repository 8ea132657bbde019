import Bench
import Embedded
import Foundation

extension BenchCommand.Scheduler {
    /// Starts worker processes one after the other, beside a scheduler; the median of the seconds to the first claim.
    func started() async throws -> Double {
        let folder = absolute(base.base)
        return try await PrivateServices.withDatabase(connections: 2) { directory, conninfo, pool in
            let bench = StartBench(pool)
            try await bench.prepare(base.open())
            let shared = ["--dsn", conninfo, "--store", "\(directory)/objects"]
            let scheduler = try ProcessFamily.launch(["scheduler"] + shared, log: "\(directory)/scheduler.log")
            defer { scheduler.terminate() }
            var seconds: [Double] = []
            for index in 0..<StartBench.starts {
                Terminal.note("start \(index + 1) of \(StartBench.starts)")
                var worker: Process?
                defer { worker?.terminate() }
                seconds.append(
                    try await bench.start(index) {
                        worker = try ProcessFamily.launch(
                            ["worker", "--base", folder, "--name", "s\(index)"] + shared,
                            log: "\(directory)/worker-\(index).log")
                    })
                worker?.terminate()
                while let worker, ProcessTable.isRunning(worker.processIdentifier) {
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            return seconds.sorted()[seconds.count / 2]
        }
    }
}
