import Foundation
import Problem

/// PostgreSQL's own load generator, as the ceiling of what clients can get out of a server.
public struct PgBench: Sendable {
    /// What a run did.
    public struct Result: Sendable {
        /// Transactions that ended well.
        public var transactions: Int
        /// Seconds that they took, connecting apart.
        public var seconds: Double
    }

    private let tool: Tool
    private let conninfo: String
    private let folder: String

    /// Finds the program.
    ///
    /// - Parameters:
    ///   - conninfo: the database.
    ///   - folder: where the script is written, one at a time.
    /// - Throws: `tool_missing`.
    public init(conninfo: String, folder: String) throws {
        tool = try PostgresServer.tool("pgbench")
        (self.conninfo, self.folder) = (conninfo, folder)
    }

    /// Runs a script with as many connections, each with a thread of its own, and waits for the end.
    ///
    /// - Parameters:
    ///   - script: pgbench's script language.
    ///   - simple: whether each statement is sent as text and planned anew; else it is prepared once.
    ///   - seconds: how long; nil runs `transactions` a client.
    /// - Throws: `tool_failed` when the program fails or any client was aborted.
    public func run(
        script: String, variables: [String: Int] = [:], clients: Int, simple: Bool = false, seconds: Int? = nil,
        transactions: Int = 0, seed: UInt64
    ) throws -> Result {
        let file = "\(folder)/pgbench.sql"
        try script.write(toFile: file, atomically: true, encoding: .utf8)
        var arguments = ["--no-vacuum", "--protocol", simple ? "simple" : "prepared", "--file", file]
        arguments += ["--client", "\(clients)", "--jobs", "\(clients)", "--random-seed", "\(seed)"]
        arguments += seconds.map { ["--time", "\($0)"] } ?? ["--transactions", "\(transactions)"]
        for (name, value) in variables.sorted(by: { $0.key < $1.key }) {
            arguments += ["--define", "\(name)=\(value)"]
        }
        let output = try tool.run(arguments + [conninfo])
        guard let count = output.firstMatch(of: /actually processed: (\d+)/).flatMap({ Int($0.1) }),
            let rate = output.firstMatch(of: /tps = ([0-9.]+)/).flatMap({ Double($0.1) }), rate > 0,
            !output.contains("aborted")
        else {
            throw Problem("tool_failed", at: tool.path, "\(output.suffix(600))", do: "run it by hand to see more.")
        }
        return Result(transactions: count, seconds: Double(count) / rate)
    }
}
