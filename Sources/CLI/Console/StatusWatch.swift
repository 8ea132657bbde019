import Foundation
import Postgres
import Schema
import Synchronization
import UnixSignals

/// `attune status --watch`: redrawn in the alternate screen of a terminal; elsewhere a line per change.
struct StatusWatch {
    private static let intervalSeconds = 2.0
    /// Minutes of the sparkline before the one that runs.
    private static let minutes: Int32 = 29
    private static let sparks = Array("▁▂▃▄▅▆▇█")

    let isJSON: Bool

    /// Runs until `q` or a signal.
    func run(_ database: ConnectionPool) async throws {
        guard Terminal.isOutputATerminal, !isJSON else { return try await printChanges(database) }
        let keys = KeyPresses()
        try keys.begin()
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        let interrupted = Atomic<Bool>(false)
        let watcher = Task {
            for await _ in signals {
                interrupted.store(true, ordering: .relaxed)
                keys.quit()
                break
            }
        }
        Terminal.write("\u{1B}[?1049h\u{1B}[?25l")
        defer {
            Terminal.write("\u{1B}[?25h\u{1B}[?1049l")
            watcher.cancel()
        }
        do {
            try await redraw(database, until: keys)
        } catch {
            try keys.end()
            throw error
        }
        try keys.end()
        if interrupted.load(ordering: .relaxed) { throw ExitStatus.interrupted }
    }

    private func redraw(_ database: ConnectionPool, until keys: KeyPresses) async throws {
        while !keys.isOver {
            let status = try await QueueStatus.read(from: database)
            let history = try await database.run(SQL.Queries.publishedByMinute, [.int32(Self.minutes)]).map {
                try $0.decode(0, as: Int64.self)
            }
            // The minute that runs is shown by its rate so far, or every redraw would start with a fall.
            let bars = history.dropLast().map(Double.init) + [status.publishedPerSecond * 60]
            let lines = [Self.head(bars, status), ""] + StatusText.lines(status)
            Terminal.write("\u{1B}[H" + lines.map { $0 + "\u{1B}[K\n" }.joined() + "\u{1B}[J")
            let next = Date().addingTimeInterval(Self.intervalSeconds)
            while !keys.isOver, Date() < next { try await Task.sleep(for: .milliseconds(50)) }
        }
    }

    private func printChanges(_ database: ConnectionPool) async throws {
        var last: QueueStatus?
        while true {
            var status = try await QueueStatus.read(from: database)
            let at = status.at
            // What only ages is no change.
            status.at = .distantPast
            (status.oldestSeconds, status.asOf, status.doneInSeconds) = (nil, nil, nil)
            for index in status.flows.indices {
                (status.flows[index].oldestSeconds, status.flows[index].emptyInSeconds) = (nil, nil)
            }
            if status != last {
                last = status
                status.at = at
                if isJSON { try JSONOutput.print(status) } else { Terminal.output(StatusText.line(status)) }
            }
            try await Task.sleep(for: .seconds(Self.intervalSeconds))
        }
    }

    /// `published/s  ▂▃▅▆▇  8,100      04:12:07 UTC  q quit`
    static func head(_ perMinute: [Double], _ status: QueueStatus) -> String {
        let rate = status.publishedPerSecond
        let now = rate >= 100 ? Figures.count(Int64(rate.rounded())) : Figures.fixed(rate, 1)
        return "published/s  \(sparkline(perMinute))  \(now)      \(Figures.time(status.at)) UTC  q quit"
    }

    /// One character a value, from the lowest for 0 to the full block for the largest.
    static func sparkline(_ values: [Double]) -> String {
        let most = max(values.max() ?? 0, 1)
        return String(values.map { sparks[Int(($0 / most * Double(sparks.count - 1)).rounded())] })
    }
}
