import ArgumentParser
import Bench
import Embedded
import Foundation
import Postgres

extension BenchCommand {
    /// Throughput and flatness of the queue, beside pgbench.
    struct Queue: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Jobs per second of the queue beside what pgbench gets out of the same PostgreSQL.",
            discussion: """
                Starts a private PostgreSQL (fsync on) under a temporary folder, and removes it at the end; it never works
                in a database that is there, since it empties tables. pgbench comes with PostgreSQL.

                PARTS:
                  throughput     enqueue, lease and complete, publish, each beside its ceiling; bytes of the log
                  flat           rates at 10,000 and 1,000,000 waiting jobs, and over three drains in a row
                  flat-single    the same with chunks of one job
                  pinned         a minute with and one without a transaction that keeps every dead row
                  pinned-single  the same with chunks of one job

                EXAMPLES:
                  attune bench queue --json
                  attune bench queue --quick --part throughput
                  attune bench queue --long --part flat
                """)

        enum Part: String, ExpressibleByArgument, CaseIterable {
            case throughput, flat, pinned
            case flatSingle = "flat-single"
            case pinnedSingle = "pinned-single"
        }

        @OptionGroup var output: OutputOptions
        @Option(help: "A part to run, repeatable; all without it.") var part: [Part] = []
        @Option(help: "Connections on either side.") var clients = 4
        @Option(help: "Seed of pgbench's random numbers.") var seed: UInt64 = 1
        @Flag(help: "Short bursts and small backlogs, for a first look.") var quick = false
        @Flag(help: "Also 10,000,000 waiting jobs.") var long = false

        private struct Config: Encodable {
            var queue: QueueBench.Configuration
            var parts: [String]
        }

        func validate() throws {
            guard (1...32).contains(clients) else { throw ValidationError("--clients must be 1 to 32.") }
        }

        func run() async throws {
            let report = try await PrivateServices.withDatabase(connections: clients + 3) { folder, conninfo, pool in
                try await measure(pool, try PgBench(conninfo: conninfo, folder: folder))
            }
            if output.json { return try JSONOutput.print(report) }
            report.lines().forEach(Terminal.output)
            var table = TextTable(
                .init(title: "MEASURED"), .init(title: "SIDE"), .init(title: "ROUND", alignment: .right),
                .init(title: "COUNT", alignment: .right), .init(title: "SECONDS", alignment: .right),
                .init(title: "PER SECOND", alignment: .right))
            for burst in report.tables["bursts"] ?? [] {
                table.rows.append([
                    burst.figure, burst.side, String(burst.round), String(burst.count),
                    Figures.fixed(burst.seconds, 2), Figures.fixed(burst.rate, 0),
                ])
            }
            table.lines(width: Terminal.width).forEach(Terminal.output)
        }

        private func measure(
            _ pool: ConnectionPool, _ pgbench: PgBench
        ) async throws -> MeasurementReport<Config, [String: [QueueBench.Burst]]> {
            var configuration = quick ? QueueBench.Configuration.quick : QueueBench.Configuration()
            (configuration.clients, configuration.seed) = (clients, seed)
            let bench = QueueBench(configuration, pool: pool) { load in
                let result = try pgbench.run(
                    script: load.script, variables: load.variables, clients: load.clients, simple: load.isSimple,
                    seconds: load.seconds, transactions: load.transactions, seed: load.seed)
                return (result.transactions, result.seconds)
            } progress: {
                Terminal.note($0)
            }
            try await bench.prepare()
            let parts = part.isEmpty ? Part.allCases : part
            var (figures, bursts): ([String: Double], [QueueBench.Burst]) = ([:], [])
            for part in parts {
                let result =
                    switch part {
                    case .throughput: try await bench.throughput()
                    case .flat: try await bench.flatness(.chunks, long: long)
                    case .flatSingle: try await bench.flatness(.single, long: long)
                    case .pinned: try await bench.pinned(.chunks)
                    case .pinnedSingle: try await bench.pinned(.single)
                    }
                figures.merge(result.figures) { _, new in new }
                bursts += result.bursts
            }
            return try MeasurementReport(
                config: Config(queue: configuration, parts: parts.map(\.rawValue)), figures: figures,
                tables: ["bursts": bursts])
        }
    }
}
