import Postgres
import PostgresTestSupport
import QueueModel
import Synchronization
import Testing

import Queue

/// Two steps of the model as two transactions that overlap: what is left is what the model allows.
@Suite(.needsPostgres, .timeLimit(.minutes(5))) struct ModelInterleavingTests {
    /// Where two steps meet: how it comes to that, and the steps.
    struct Meeting: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let way: [Step]
        let steps: [Step]

        init(_ name: String, _ way: [Step], _ steps: [Step]) {
            (testDescription, self.way, self.steps) = (name, way, steps)
        }
    }

    private static let begin: [Step] = [.start, .start, .addUser, .addUser, .record(user: 0), .record(user: 1)]
    private static let claimed = begin + [.enqueue(users: [0, 1]), .claim(worker: 0, chunks: [0]), .upload(worker: 0)]

    static let meetings = [
        Meeting(
            "a chunk that waits", begin + [.enqueue(users: [0, 1])],
            [
                .claim(worker: 0, chunks: [0]), .claim(worker: 1, chunks: [0]), .cancel(job: 0), .cancel(job: 1),
                .erase(user: 1),
                .park(chunk: 0), .record(user: 0), .promote(base: 1),
            ]),
        Meeting(
            "a chunk that runs and whose lease is over", claimed + [.expire(worker: 0)],
            [
                .publish(worker: 0, .completed), .publish(worker: 0, .kept), .publish(worker: 0, .first),
                .publish(worker: 0, .failed), .publish(worker: 0, .handedBack), .rescue(chunk: 0), .cancel(job: 0),
                .erase(user: 1), .record(user: 0), .promote(base: 1),
            ]),
        Meeting(
            "two workers on one user who has a revision",
            begin + [
                .enqueue(users: [0]), .claim(worker: 0, chunks: [0]), .upload(worker: 0),
                .publish(worker: 0, .completed),
                .record(user: 0), .enqueue(users: [0]), .enqueue(users: [0]), .claim(worker: 0, chunks: [1]),
                .upload(worker: 0),
                .claim(worker: 1, chunks: [2]), .upload(worker: 1),
            ],
            [
                .publish(worker: 0, .completed), .publish(worker: 1, .completed), .publish(worker: 0, .kept),
                .rollback(user: 0, to: nil), .erase(user: 0), .cancel(job: 1), .cancel(job: 2),
            ]),
        Meeting(
            "first pointers of one user",
            begin + [
                .enqueue(users: [0]), .enqueue(users: [0]), .claim(worker: 0, chunks: [0]), .upload(worker: 0),
                .claim(worker: 1, chunks: [1]), .upload(worker: 1),
            ],
            [
                .publish(worker: 0, .completed), .publish(worker: 1, .completed), .publish(worker: 0, .kept),
                .publish(worker: 1, .kept), .erase(user: 0),
            ]),
        Meeting(
            "a job that waits for its next try", claimed + [.publish(worker: 0, .failed)],
            [
                .wake(chunk: 1), .cancel(job: 0), .cancel(job: 1), .retry(job: 0), .retry(job: 1), .erase(user: 0),
            ]),
        Meeting(
            "a parked chunk", begin + [.enqueue(users: [0, 1]), .park(chunk: 0)],
            [
                .unpark(chunk: 0), .cancel(job: 0), .cancel(job: 1), .erase(user: 0),
            ]),
        Meeting(
            "an object whose chunk was lost, and another chunk of its delivery",
            begin + [
                .enqueue(users: [0]), .enqueue(users: [1]), .claim(worker: 0, chunks: [0, 1]), .upload(worker: 0),
                .overdue(chunk: 0), .rescue(chunk: 0),
            ], [.publish(worker: 0, .completed), .condemn(object: 0), .cancel(job: 1), .erase(user: 1)]),
    ]

    /// Every two of a meeting's steps, the same one twice included where two callers may make it.
    private func pairs(_ meeting: Meeting) -> [(Step, Step)] {
        meeting.steps.indices.flatMap { one in
            meeting.steps.indices.compactMap { other in
                if one == other, case .publish = meeting.steps[one] { return nil }
                return sameWorker(meeting.steps[one], meeting.steps[other])
                    ? nil : (meeting.steps[one], meeting.steps[other])
            }
        }
    }

    /// A worker has one call under way at a time.
    private func sameWorker(_ one: Step, _ other: Step) -> Bool {
        func worker(_ step: Step) -> UInt8? {
            switch step {
            case .publish(let worker, _), .claim(let worker, _): worker
            default: nil
            }
        }
        return worker(one) != nil && worker(one) == worker(other)
    }

    @Test("two overlapping transactions leave what the model allows", arguments: meetings)
    func overlap(_ meeting: Meeting) async throws {
        try await PostgresWorld.with { world in
            try await world.database.withConnection { connection in
                for (number, (first, second)) in pairs(meeting).enumerated() {
                    try await connection.executeScript(Statement(name: "begin", text: "BEGIN"))
                    var bridge = try await ModelBridge(connection, tenant: "t\(number)")
                    var state = Lifecycle()
                    for step in meeting.way {
                        let before = state
                        try state.apply(step)
                        try await bridge.take(step, before, state, connection)
                    }
                    try await bridge.arrange([first, second], state, connection)
                    try await connection.executeScript(Statement(name: "commit", text: "COMMIT"))
                    let replies = try await run(first, second, bridge, state, world.database)
                    try await check(first, second, replies, bridge, state, connection)
                    try await end(connection)
                }
            }
        }
    }

    /// The second step starts, and perhaps waits, while the first one's transaction is open.
    private func run(
        _ first: Step, _ second: Step, _ bridge: ModelBridge, _ state: Lifecycle, _ database: TestDatabase
    ) async throws -> [String: ModelBridge.Reply] {
        let replies = Mutex<[String: ModelBridge.Reply]>([:])
        func session(_ name: String, _ step: Step) -> [Interleaving.Step] {
            func script(_ text: String) -> @Sendable (Connection) async throws -> Void {
                { try await $0.executeScript(Statement(name: text, text: text)) }
            }
            return [
                Interleaving.Step(name, "\(name) begins", script("BEGIN")),
                Interleaving.Step(name, "\(name) acts") { connection in
                    let reply = try await bridge.act(step, state, connection)
                    replies.withLock { $0[name] = reply }
                },
                Interleaving.Step(name, "\(name) commits", script("COMMIT")),
            ]
        }
        let order = ["first begins", "first acts", "second begins", "second acts", "first commits", "second commits"]
        let outcomes = try await Interleaving(session("first", first) + session("second", second)).run(
            order, in: database)
        for outcome in outcomes {
            // The second retry, cancellation or erasure of the same thing may be told that it comes too late.
            let state = (outcome.error as? PostgresError)?.sqlState
            let isRefusal = state?.description.hasPrefix("AT4") ?? false
            #expect(outcome.error == nil || isRefusal, "\(first) × \(second): \(outcome.step)")
        }
        return replies.withLock { $0 }
    }

    /// One of the states that the model reaches by both steps in either order, or by one of them where the other finds
    /// its chunk locked or gone.
    private func check(
        _ first: Step, _ second: Step, _ replies: [String: ModelBridge.Reply], _ bridge: ModelBridge,
        _ state: Lifecycle,
        _ connection: Connection
    ) async throws {
        var differences: [String] = []
        for (one, other, names) in [(first, second, ["first", "second"]), (second, first, ["second", "first"])] {
            for way in Way.allCases {
                var (after, bridge) = (state, bridge)
                if possible(one, in: after) {
                    try after.apply(one)
                    try await bridge.note(one, replies[names[0]] ?? .nothing, after, connection)
                }
                var second: Step? = other
                switch way {
                case .both: break
                case .skips:
                    if possible(other, in: after), !mayBeSkipped(other) { continue }
                    second = nil
                case .loses:
                    second = losing(other, to: one, from: state, in: &after)
                    if second == nil { continue }
                }
                if let second, possible(second, in: after) {
                    try after.apply(second)
                    try await bridge.note(second, replies[names[1]] ?? .nothing, after, connection)
                }
                guard let difference = try await bridge.difference(from: after, connection) else { return }
                differences.append("\(one), then \(other), which \(way):\n\(difference)")
            }
        }
        Issue.record("\(first) × \(second) left what neither order does\n\(differences.joined(separator: "\n"))")
    }

    /// What the later of two steps does.
    private enum Way: CaseIterable {
        /// What it does alone, from where the first one left things.
        case both
        /// Nothing, since it takes only what is not locked.
        case skips
        /// It runs again, though nothing forbade it: of two publishes that both make a user's first pointer, one finds it
        /// made, and cannot tell whether it was by a revision or by a look that kept what there was.
        case loses
    }

    /// The step that does what `step` does when it loses: a publish of something that started from another revision.
    private func losing(_ step: Step, to other: Step, from state: Lifecycle, in after: inout Lifecycle) -> Step? {
        guard case .publish(let worker, let verdict) = step, case .publish(_, let made) = other,
            [verdict, made].allSatisfy({ $0 == .completed || $0 == .kept }), state.users[0].pointers[0] == nil
        else { return nil }
        // A parent that no pointer has.
        after.workers[Int(worker)].grip?.parts[0].jobs[0].parent = .max
        return .publish(worker: worker, .completed)
    }

    private func possible(_ step: Step, in state: Lifecycle) -> Bool {
        switch step {
        case .claim(_, let claimed): claimed.allSatisfy { state.chunks[Int($0)].state == .ready }
        case .park(let chunk): state.chunks[Int(chunk)].state == .ready
        case .wake(let chunk): state.chunks[Int(chunk)].state == .deferred
        case .unpark(let chunk): state.chunks[Int(chunk)].state == .parked
        case .rescue(let chunk): state.chunks[Int(chunk)].state == .leased
        case .record(let user), .erase(let user): !state.users[Int(user)].isErased
        case .rollback(let user, _): state.users[Int(user)].pointers[Int(state.activeBase)]?.revision == 0
        case .condemn(let object): state.isUnnamed(object)
        case .promote(let base): state.activeBase != base
        default: true
        }
    }

    /// These take what is not locked, and leave the rest for the next time.
    private func mayBeSkipped(_ step: Step) -> Bool {
        switch step {
        case .claim, .wake, .rescue: true
        default: false
        }
    }

    /// Leaves nothing that the next meeting's steps could find.
    private func end(_ connection: Connection) async throws {
        for sql in [
            "UPDATE attune.chunk SET state = 4, run_at = NULL WHERE state <> 4",
            "UPDATE attune.worker SET state = 'stopped'",
        ] {
            try await connection.execute(Statement(name: sql, text: sql))
        }
    }
}
