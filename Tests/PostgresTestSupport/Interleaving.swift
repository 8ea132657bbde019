public import Postgres
import Synchronization

/// Named steps of two or more connections, run in a chosen order, to show what happens between them.
///
/// A step that has to wait for a lock does not stop the order: the next step starts when the server says that the one
/// before it is blocked. Steps of one session follow each other; one whose session is blocked starts as soon as it can.
public struct Interleaving: Sendable {
    /// One step of a session.
    public struct Step: Sendable {
        let session: String
        let name: String
        let body: @Sendable (Connection) async throws -> Void

        /// A step of `session`, for example `Step("a", "claim") { … }`; names are unique among the steps.
        public init(
            _ session: String, _ name: String, _ body: @escaping @Sendable (Connection) async throws -> Void
        ) {
            self.session = session
            self.name = name
            self.body = body
        }
    }

    /// How a step ended.
    public struct Outcome: Sendable {
        /// The step's name.
        public let step: String
        /// Whether the server had it wait for another session's lock.
        public var wasBlocked: Bool
        /// What it threw, if anything.
        public let error: (any Error)?
    }

    private let steps: [Step]

    /// Takes the steps, each session's in its order.
    public init(_ steps: [Step]) {
        precondition(Set(steps.map(\.name)).count == steps.count, "step names are unique")
        self.steps = steps
    }

    /// Every order of all steps that keeps each session's own order.
    public var orders: [[String]] {
        Self.merge(Dictionary(grouping: steps, by: \.session).mapValues { $0.map(\.name) })
    }

    private static func merge(_ sessions: [String: [String]]) -> [[String]] {
        let open = sessions.filter { !$0.value.isEmpty }
        guard !open.isEmpty else { return [[]] }
        return open.keys.sorted().flatMap { session in
            var rest = open
            guard let first = rest[session]?.removeFirst() else { return [[String]]() }
            return merge(rest).map { [first] + $0 }
        }
    }

    /// Runs the steps in `order` on fresh connections to `database`, and returns how each ended, in the order of ending.
    ///
    /// - Throws: what connecting throws. What steps throw is in their outcomes.
    public func run(_ order: [String], in database: TestDatabase) async throws -> [Outcome] {
        var connections: [String: Connection] = [:]
        for session in Set(steps.map(\.session)) {
            connections[session] = try await Connection.open(database.conninfo, options: TestRun.options)
        }
        let outcomes = try await database.withConnection { watcher in
            try await run(order, connections, watcher)
        }
        for connection in connections.values { await connection.close() }
        return outcomes
    }

    private func run(
        _ order: [String], _ connections: [String: Connection], _ watcher: Connection
    ) async throws -> [Outcome] {
        let history = History()
        var last: [String: Task<Void, Never>] = [:]
        for name in order {
            guard let step = steps.first(where: { $0.name == name }), let connection = connections[step.session] else {
                preconditionFailure("no step \(name)")
            }
            last[step.session] = Task { [previous = last[step.session]] in
                await previous?.value
                var failure: (any Error)?
                do { try await step.body(connection) } catch { failure = error }
                history.end(step.name, failure)
            }
            while !history.hasEnded(name) {
                if try await isBlocked(connection, watcher) {
                    history.block(steps.filter { $0.session == step.session }.map(\.name))
                    break
                }
                try await Task.sleep(for: .milliseconds(1))
            }
        }
        for task in last.values { await task.value }
        return history.outcomes
    }

    private func isBlocked(_ connection: Connection, _ watcher: Connection) async throws -> Bool {
        let statement = Statement(name: "blocked", text: "SELECT cardinality(pg_blocking_pids($1)) > 0")
        return try await watcher.execute(statement, [.int32(connection.processID)]).one().decode(0)
    }
}

/// What has happened so far.
private final class History: Sendable {
    private let state = Mutex<(outcomes: [Interleaving.Outcome], blocked: Set<String>)>(([], []))

    var outcomes: [Interleaving.Outcome] { state.withLock { $0.outcomes } }

    func hasEnded(_ name: String) -> Bool { state.withLock { $0.outcomes.contains { $0.step == name } } }

    /// Notes that the first of `session`'s steps that has not ended is blocked.
    func block(_ session: [String]) {
        state.withLock { state in
            let ended = Set(state.outcomes.map(\.step))
            if let waiting = session.first(where: { !ended.contains($0) }) { state.blocked.insert(waiting) }
        }
    }

    func end(_ name: String, _ error: (any Error)?) {
        state.withLock { state in
            state.outcomes.append(.init(step: name, wasBlocked: state.blocked.contains(name), error: error))
        }
    }
}
