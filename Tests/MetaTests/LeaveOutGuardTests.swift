import Adapters
import Foundation
import Meta
import Tensor
import Testing

@Suite struct LeaveOutGuardTests {
    private func guarded(_ world: World, gain: Float = 1) -> AdaptationSettings {
        AdaptationSettings(
            steps: world.rule.steps.count, rowBudget: world.width, maximumExamples: 64, scale: 0.5,
            guarding: GuardSettings(smallSupportGain: gain, tolerance: 0))
    }

    @Test("the leave-out loss is that of rules refitted without each pair, by hand", arguments: 1...2)
    func agreesWithRefits(steps: Int) throws {
        let world = World(seed: 11, steps: steps, users: [8])
        let user = world.users[0]
        let result = adapt(world.batch, with: world.rule, settings: guarded(world))[0]
        let positives = user.labels.indices.filter { user.labels[$0] == 1 }
        let negatives = user.labels.indices.filter { user.labels[$0] == 0 }
        var expected = 0.0
        for pair in zip(positives, negatives) {
            let held = [pair.0, pair.1]
            let rest = user.labels.indices.filter { !held.contains($0) }
            let (weights, bias) = world.primal(
                UserSupport(rows: rest.map { user.rows[$0] }, labels: rest.map { user.labels[$0] }))
            for example in held {
                let x = world.features.row(Int(user.rows[example]))
                var z = Double(world.rule.start.bias) + 0.5 * bias
                for (column, value) in x.enumerated() {
                    z += Double(value) * (Double(world.rule.start.weights[column]) + 0.5 * weights[column])
                }
                expected += Foundation.log(1 + Foundation.exp(user.labels[example] == 1 ? -z : z)) / 8
            }
        }
        let losses = try #require(result.leaveOut)
        #expect(abs(Double(losses.adapted) - expected) < 1e-4)
    }

    @Test("labels that the features explain are adapted to, labels against them are kept")
    func decides() {
        var world = World(seed: 12, users: [])
        world.rule.preconditioner = .isotropic(3)
        // The start knows nothing: only evidence of harm can reject.
        world.rule.start = .zero(width: world.width)
        let taste = world.features.row(0)
        let score = { (row: Int) in zip(taste, world.features.row(row)).reduce(0) { $0 + $1.0 * $1.1 } }
        let order = (0..<world.features.rows).sorted { score($0) < score($1) }
        let rows: [Int32] = (order.prefix(8) + order.suffix(8)).map { Int32($0) }
        let consistent = UserSupport(
            rows: rows, labels: [Float](repeating: 0, count: 8) + [Float](repeating: 1, count: 8))
        // Each text under both labels: whichever copy is held out, the other one argues for the wrong class.
        let contrary = UserSupport(
            rows: Array(rows[..<4] + rows[..<4]), labels: [1, 0, 1, 0, 0, 1, 0, 1])
        let batch = PackedSupport(
            features: world.rule.project(world.features, withoutData: world.rule.start), users: [consistent, contrary])
        let results = adapt(batch, with: world.rule, settings: guarded(world))
        #expect(results[0].delta != nil)
        #expect(results[1].verdict == .kept(.guardRejected))
    }

    @Test("the guard compares with the head without data, and forgives what its tolerance says")
    func toleratesALittle() throws {
        let world = World(seed: 15, users: [8])
        // A user without data is served by a head that knows these labels: adapting can only lose.
        let user = world.users[0]
        var general = LinearHead.zero(width: world.width)
        for (row, label) in zip(user.rows, user.labels) {
            for (column, value) in world.features.row(Int(row)).enumerated() {
                general.weights[column] += (label == 1 ? 4 : -4) * value
            }
        }
        let batch = PackedSupport(
            features: world.rule.project(world.features, withoutData: general), users: [user])
        var settings = guarded(world)
        let result = adapt(batch, with: world.rule, settings: settings)[0]
        let losses = try #require(result.leaveOut)
        let excess = losses.adapted - losses.start
        #expect(excess > 0 && result.verdict == .kept(.guardRejected))
        settings.guarding?.tolerance = excess + 1e-4
        #expect(adapt(batch, with: world.rule, settings: settings)[0].delta != nil)
    }

    @Test("settings from before there was a tolerance have none")
    func readsOldSettings() throws {
        let old = Data(#"{"minimumExamples": 4, "smallSupportGain": 0.5}"#.utf8)
        let read = try JSONDecoder().decode(GuardSettings.self, from: old)
        #expect(read == GuardSettings(minimumExamples: 4, smallSupportGain: 0.5, tolerance: 0))
        let new = GuardSettings(smallSupportGain: 0.1)
        #expect(try JSONDecoder().decode(GuardSettings.self, from: JSONEncoder().encode(new)) == new)
    }

    @Test("below four examples the recipe's validated gain decides")
    func smallSupports() {
        let world = World(seed: 13, users: [3, 2])
        let trusted = adapt(world.batch, with: world.rule, settings: guarded(world, gain: 0.01))
        #expect(trusted.allSatisfy { $0.delta != nil && $0.leaveOut == nil })
        let untrusted = adapt(world.batch, with: world.rule, settings: guarded(world, gain: -0.01))
        #expect(untrusted.allSatisfy { $0.verdict == .kept(.tooFewExamples) })
    }

    @Test("every example of an uneven support is held out, each time with one of the other class")
    func pairsUnevenClasses() throws {
        var world = World(seed: 14, users: [])
        world.users = [UserSupport(rows: [0, 1, 2, 3, 4], labels: [1, 0, 1, 1, 1])]
        let losses = try #require(adapt(world.batch, with: world.rule, settings: guarded(world))[0].leaveOut)
        // Four pairs: each positive once, the only negative four times, so the classes weigh the same.
        let logits = world.rule.start.logits(of: world.features)
        let loss = { (row: Int, label: Float) in
            Foundation.log(1 + Foundation.exp(label == 1 ? -logits[row] : logits[row]))
        }
        let expected = [0, 2, 3, 4].reduce(0) { $0 + loss($1, 1) / 8 } + loss(1, 0) / 2
        #expect(abs(losses.start - expected) < 1e-5)
    }
}
