import Foundation
import QueueModel
import Testing

/// Every state of small cases, explored: two workers, whoever schedules, a few jobs, and any disturbances up to a number.
///
/// ATTUNE_TEST_MODEL_DISTURBANCES adds to that number; each one more takes some twenty times as long.
@Suite(.timeLimit(.minutes(30))) struct ModelTests {
    @Test("no state that can be reached breaks an invariant, and every fair path ends", arguments: Scenario.all)
    func holds(_ scenario: Scenario) {
        var scenario = scenario
        let more = ProcessInfo.processInfo.environment["ATTUNE_TEST_MODEL_DISTURBANCES"].flatMap(UInt8.init)
        scenario.budget += more ?? 0
        let result = Explorer.explore(scenario, limit: 50_000_000)
        print("\(scenario), \(scenario.budget) disturbances: \(result)")
        #expect(result.counterexample == nil, "\(result)")
        #expect(result.states > 1000, "\(result)")
    }

    /// A rule taken away, where that shows, and what is broken first.
    struct Mutation: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let missing: Rules
        let scenario: Scenario
        let breaks: String

        init(_ name: String, _ missing: Rules, in scenario: Scenario, breaks: String) {
            (testDescription, self.missing, self.scenario, self.breaks) = (name, missing, scenario, breaks)
        }
    }

    static let mutations = [
        Mutation(
            "no token: a claim lost in a crash of the server leaves its fence to the next", .token, in: .oneUser,
            breaks: "I3"),
        Mutation("neither token nor attempt", [.token, .attempt], in: .oneUser, breaks: "I3"),
        Mutation("a closed chunk is published again after a lost reply", .onlyLeased, in: .oneChunk, breaks: "I1"),
        Mutation("pointers are set without comparing", .compareAndSet, in: .oneUser, breaks: "I4"),
        Mutation("no epoch: a late publish undoes an erasure", .epoch, in: .erasure, breaks: "I8"),
        Mutation("a publish judges before it has its locks", .publishLocksFirst, in: .oneChunk, breaks: "I1"),
        Mutation("a cancellation judges before it has its lock", .cancelLocksFirst, in: .oneChunk, breaks: "I1"),
        Mutation(
            "a chunk is closed in one transaction, its retry chunk made in another", .requeueWithClose, in: .oneChunk,
            breaks: "I1"),
        Mutation("a rescued chunk keeps its token", .rescueClearsToken, in: .oneChunk, breaks: "I2"),
        Mutation("published before it is uploaded", .uploadFirst, in: .oneChunk, breaks: "I5"),
        Mutation("objects are collected by age", .condemnFirst, in: .delivery, breaks: "I5"),
        Mutation("a publish names a condemned object", .publishSeesCondemned, in: .delivery, breaks: "I5"),
        Mutation("a second PUT after the collection is left alone", .collectAgain, in: .delivery, breaks: "rule 8"),
        Mutation("a job that kills its workers is tried for ever", .isolation, in: .poison, breaks: "I1"),
        Mutation(
            "a deposed leader feeds a campaign from where it last saw its cursor", .cursorCompareAndSet, in: .campaign,
            breaks: "I1"),
        Mutation("jobs are merged when they are enqueued", .mergeAtClaim, in: .operators, breaks: "rule 4"),
    ]

    @Test("the same exploration finds what breaks without a rule", arguments: mutations)
    func finds(_ mutation: Mutation) throws {
        let result = Explorer.explore(mutation.scenario, rules: .all.subtracting(mutation.missing))
        let found = try #require(result.counterexample, "\(result)")
        print("without: \(mutation.testDescription): \(found)")
        #expect(found.violation.invariant == mutation.breaks, "\(found)")
    }

    @Test("the attempt alone may go: the token says all that it says")
    func attemptIsSaidByToken() {
        for scenario in [Scenario.oneUser, .oneChunk] {
            let result = Explorer.explore(scenario, rules: .all.subtracting(.attempt))
            #expect(result.counterexample == nil, "\(result)")
        }
    }

    @Test("every rule is taken away by some mutation")
    func everyRule() {
        let missing = Self.mutations.reduce(into: Rules()) { $0.formUnion($1.missing) }
        #expect(missing == .all)
    }
}
