import Postgres
import PostgresTestSupport
import QueueModel
import Testing

import Queue

/// What the model says and what PostgreSQL does, step by step.
@Suite(.needsPostgres, .timeLimit(.minutes(5))) struct ModelBridgeTests {
    /// A connection to a database with two bases, and a transaction that nobody else sees.
    private func inTransaction(_ body: (Connection) async throws -> Void) async throws {
        try await PostgresWorld.with { world in
            try await world.database.withConnection { connection in
                try await connection.executeScript(Statement(name: "begin", text: "BEGIN"))
                try await body(connection)
                try await connection.executeScript(Statement(name: "rollback", text: "ROLLBACK"))
            }
        }
    }

    /// Cases small enough that the database can be taken through every one of their states.
    static let whole: [Scenario] = [
        Scenario.oneUser.with(\.budget, 1), Scenario.oneChunk.with(\.budget, 1), Scenario.erasure.with(\.budget, 1),
        Scenario.delivery.with(\.budget, 0), Scenario.operators.with(\.budget, 1), Scenario.poison.with(\.budget, 0),
        Scenario.everything.with(\.budget, 1),
    ]

    @Test("every step from every state of a small case does in PostgreSQL what the model says", arguments: whole)
    func everyStep(_ scenario: Scenario) async throws {
        try await inTransaction { connection in
            var walk = Walk(scenario, connection)
            let (state, bridge) = try await walk.begin()
            try await walk.takeEveryStep(from: state, bridge)
            print(
                "\(scenario), \(scenario.budget) disturbances: \(walk.steps) steps from \(walk.seen.count) states taken in PostgreSQL"
            )
            #expect(walk.steps > 40)
        }
    }

    @Test("so does every step of walks at random, far from the beginning", arguments: Scenario.all, [UInt64(1), 2, 3])
    func walks(_ scenario: Scenario, seed: UInt64) async throws {
        try await inTransaction { connection in
            var random = SeededGenerator(seed)
            var walk = Walk(scenario.with(\.budget, 8).with(\.jobs, 7).with(\.workers, 12), connection)
            for _ in 0..<4 {
                try await walk.savepoint {
                    let (state, bridge) = try await $0.begin()
                    try await $0.wander(from: state, bridge, steps: 60, &random)
                }
            }
            #expect(walk.steps > 60, "seed \(seed)")
        }
    }
}

/// Steps taken in the model and in the database, side by side.
private struct Walk {
    let scenario: Scenario
    let connection: Connection
    var steps = 0
    var seen: Set<Int> = []
    private var trace: [Step] = []

    init(_ scenario: Scenario, _ connection: Connection) {
        (self.scenario, self.connection) = (scenario, connection)
    }

    /// The scenario's beginning, in both.
    mutating func begin() async throws -> (Lifecycle, ModelBridge) {
        var bridge = try await ModelBridge(connection, tenant: "model")
        var state = Lifecycle()
        for step in scenario.setup { try await take(step, &state, &bridge) }
        state.disturbancesLeft = scenario.budget
        state.unflushed = []
        return (state, bridge)
    }

    /// Runs `body`, and undoes what it did in the database.
    mutating func savepoint(_ body: (inout Walk) async throws -> Void) async throws {
        try await connection.executeScript(Statement(name: "savepoint", text: "SAVEPOINT here"))
        let before = trace
        try await body(&self)
        trace = before
        try await connection.executeScript(
            Statement(name: "back", text: "ROLLBACK TO SAVEPOINT here; RELEASE SAVEPOINT here"))
    }

    mutating func take(_ step: Step, _ state: inout Lifecycle, _ bridge: inout ModelBridge) async throws {
        let before = state
        try state.apply(step)
        trace.append(step)
        steps += 1
        do {
            try await bridge.take(step, before, state, connection)
            guard let difference = try await bridge.difference(from: state, connection) else { return }
            throw Disagreement(description: difference, trace: trace)
        } catch let error as PostgresError {
            throw Disagreement(description: "\(error)", trace: trace)
        }
    }

    mutating func takeEveryStep(from state: Lifecycle, _ bridge: ModelBridge) async throws {
        let collects = scenario.collects
        seen.insert(state.essence(collects: collects).hashValue)
        for step in scenario.steps(from: state) where ModelBridge.takes(step) {
            try await savepoint { walk in
                var (after, next) = (state, bridge)
                try await walk.take(step, &after, &next)
                if !walk.seen.contains(after.essence(collects: collects).hashValue) {
                    try await walk.takeEveryStep(from: after, next)
                }
            }
        }
    }

    /// Takes steps at random, disturbances as likely as plain ones.
    mutating func wander(
        from start: Lifecycle, _ bridge: ModelBridge, steps: Int, _ random: inout SeededGenerator
    ) async throws {
        var (state, bridge) = (start, bridge)
        for _ in 0..<steps {
            let possible = scenario.steps(from: state).filter(ModelBridge.takes)
            guard let step = possible.randomElement(using: &random) else { return }
            try await take(step, &state, &bridge)
        }
    }
}

/// Where the database did something else than the model.
private struct Disagreement: Error, CustomStringConvertible {
    let description: String

    init(description: String, trace: [Step]) {
        self.description = ([description] + trace.map { "    \($0)" }).joined(separator: "\n")
    }
}
