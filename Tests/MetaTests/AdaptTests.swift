import Adapters
import Foundation
import Gate
import Meta
import Problem
import Tensor
import Testing

extension HeadDelta {
    /// The rows that adapting stores where nothing else is asked.
    var asRows: RowDelta? {
        guard case .rows(let delta) = self else { return nil }
        return delta
    }
}

/// A small world: random unit features, a random rule, users over shared texts.
struct World {
    let width = 24
    var features: Matrix
    var rule: PreconditionedRule
    var users: [UserSupport]

    init(seed: UInt64, steps: Int = 1, users sizes: [Int] = [8, 4, 13], texts: Int = 40) {
        var random = RandomSource(seed: seed)
        func normals(_ count: Int, _ scale: Double) -> [Float] {
            (0..<count).map { _ in Float(scale * random.normal()) }
        }
        features = Matrix(rows: texts, columns: width, values: normals(texts * width, 1))
        for row in 0..<texts {
            let norm = features.row(row).reduce(0) { $0 + $1 * $1 }.squareRoot()
            for column in 0..<width { features[row, column] /= norm }
        }
        rule = PreconditionedRule(
            start: LinearHead(weights: normals(width, 1), bias: -0.2),
            preconditioner: .dense(Matrix(rows: width, columns: width, values: normals(width * width, 0.6))),
            steps: (0..<steps).map {
                StepParameters(logRate: -0.3 - Float($0), logBiasRate: -2, decayLogit: -2 + Float($0))
            }, supportExponent: 0.5)
        users = sizes.map { size in
            UserSupport(
                rows: (0..<size).map { _ in Int32(random.index(below: texts)) },
                labels: (0..<size).map { Float($0 % 2) })
        }
    }

    var batch: PackedSupport {
        PackedSupport(features: rule.project(features, withoutData: rule.start), users: users)
    }

    /// The rule as its equations say, in the primal and in Double, for one user.
    func primal(_ user: UserSupport) -> (weights: [Double], bias: Double) {
        guard case .dense(let matrix) = rule.preconditioner else { return ([], 0) }
        let count = Double(user.count)
        var a = [Double](repeating: 0, count: width)
        var c = 0.0
        let x = user.rows.map { features.row(Int($0)).map(Double.init) }
        let y = x.map { row in
            (0..<width).map { column in (0..<width).reduce(0) { $0 + row[$1] * Double(matrix[$1, column]) } }
        }
        func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
        for step in rule.steps {
            let residuals = x.indices.map { n in
                let z = dot(x[n], rule.start.weights.map(Double.init)) + Double(rule.start.bias) + dot(y[n], a) + c
                return 1 / (1 + Foundation.exp(-z)) - Double(user.labels[n])
            }
            let keep = 1 - 1 / (1 + Foundation.exp(-Double(step.decayLogit)))
            let rate = Foundation.exp(Double(step.logRate)) * Foundation.pow(count, -Double(rule.supportExponent))
            for column in 0..<width {
                a[column] = keep * a[column] - rate * zip(residuals, y).reduce(0) { $0 + $1.0 * $1.1[column] }
            }
            c -= Foundation.exp(Double(step.logBiasRate)) * residuals.reduce(0, +) / count
        }
        return ((0..<width).map { row in dot((0..<width).map { Double(matrix[row, $0]) }, a) }, c)
    }
}

@Suite struct AdaptTests {
    @Test("the dual loop gives what the rule's equations give, at every number of steps", arguments: 1...3)
    func agreesWithThePrimal(steps: Int) throws {
        let world = World(seed: 3, steps: steps)
        let results = adapt(world.batch, with: world.rule, settings: .unguarded(steps: steps, width: world.width))
        for (user, result) in zip(world.users, results) {
            let delta = try #require(result.delta?.asRows)
            let (weights, bias) = world.primal(user)
            for (stored, exact) in zip(delta.dense().weights, weights) {
                #expect(abs(Double(stored) - exact) <= Double(delta.scale) * 0.5 + 1e-4)
            }
            #expect(abs(Double(delta.bias) - bias) < 1e-5)
        }
    }

    @Test("an isotropic preconditioner is the dense multiple of the identity")
    func isotropicEqualsDense() throws {
        var world = World(seed: 4)
        world.rule.preconditioner = .isotropic(1.5)
        let settings = AdaptationSettings.unguarded(steps: 1, width: world.width)
        let isotropic = adapt(world.batch, with: world.rule, settings: settings)
        world.rule.preconditioner = .dense(.identity(world.width, scale: 1.5))
        for (one, other) in zip(isotropic, adapt(world.batch, with: world.rule, settings: settings)) {
            let (one, other) = (try #require(one.delta).dense(), try #require(other.delta).dense())
            #expect(zip(one.weights, other.weights).allSatisfy { abs($0 - $1) < 1e-3 })
        }
    }

    @Test("a user's result does not depend on who else is in the pack")
    func usersDoNotLeak() throws {
        let world = World(seed: 5)
        let settings = AdaptationSettings.unguarded(steps: 1, width: world.width)
        let together = adapt(world.batch, with: world.rule, settings: settings)
        for (index, user) in world.users.enumerated() {
            let alone = adapt(
                PackedSupport(features: world.batch.features, users: [user]), with: world.rule, settings: settings)
            let (a, b) = (try #require(alone[0].delta).dense(), try #require(together[index].delta).dense())
            #expect(zip(a.weights, b.weights).allSatisfy { abs($0 - $1) < 1e-3 })
            #expect(abs(alone[0].lossAfter - together[index].lossAfter) < 1e-5)
        }
    }

    @Test("the recorded losses are those of the heads they name")
    func lossesAreReal() throws {
        let world = World(seed: 6, steps: 2)
        let results = adapt(world.batch, with: world.rule, settings: .unguarded(steps: 2, width: world.width))
        func loss(_ head: LinearHead, _ user: UserSupport) -> Float {
            let logits = head.logits(of: world.features)
            return zip(user.rows, user.labels).reduce(0) {
                let z = logits[Int($1.0)]
                return $0 + Foundation.log(1 + Foundation.exp($1.1 > 0.5 ? -z : z))
            } / Float(user.count)
        }
        for (user, result) in zip(world.users, results) {
            #expect(abs(result.lossBefore - loss(world.rule.start, user)) < 1e-4)
            let head = try #require(result.delta).applied(to: world.rule.start)
            #expect(abs(result.lossAfter - loss(head, user)) < 2e-2)
            #expect(result.rows == world.width && result.steps == 2 && result.examples == user.count)
        }
    }

    @Test("half the scale is half the way from the head without data to the whole head")
    func blends() throws {
        let world = World(seed: 8)
        var random = RandomSource(seed: 9)
        let general = LinearHead(weights: (0..<world.width).map { _ in Float(random.normal()) }, bias: 0.3)
        let batch = PackedSupport(
            features: world.rule.project(world.features, withoutData: general), users: world.users)
        func logits(_ scale: Float) throws -> [[Float]] {
            var settings = AdaptationSettings.unguarded(steps: 1, width: world.width)
            settings.scale = scale
            let start = world.rule.publishedStart(withoutData: general, share: scale)
            return try adapt(batch, with: world.rule, settings: settings).map {
                try #require($0.delta).applied(to: start).logits(of: world.features)
            }
        }
        let without = general.logits(of: world.features)
        for (whole, half) in zip(try logits(1), try logits(0.5)) {
            for (text, logit) in half.enumerated() { #expect(abs(logit - (whole[text] + without[text]) / 2) < 3e-2) }
        }
        for unmoved in try logits(0) { #expect(zip(unmoved, without).allSatisfy { abs($0 - $1) < 1e-5 }) }
    }

    @Test("half the scale is half the delta")
    func scales() throws {
        let world = World(seed: 7)
        var settings = AdaptationSettings.unguarded(steps: 1, width: world.width)
        let whole = adapt(world.batch, with: world.rule, settings: settings)
        settings.scale = 0.5
        for (one, half) in zip(whole, adapt(world.batch, with: world.rule, settings: settings)) {
            let (one, half) = (try #require(one.delta).dense(), try #require(half.delta).dense())
            #expect(zip(one.weights, half.weights).allSatisfy { abs($0 - 2 * $1) < 1e-2 })
            #expect(abs(one.bias - 2 * half.bias) < 1e-6)
        }
    }

    @Test("of a long support the newest examples are used")
    func usesTheNewest() {
        var world = World(seed: 8, users: [20])
        var settings = AdaptationSettings.unguarded(steps: 1, width: world.width)
        settings.maximumExamples = 6
        let limited = adapt(world.batch, with: world.rule, settings: settings)
        world.users = [UserSupport(rows: Array(world.users[0].rows.suffix(6)), labels: world.users[0].labels.suffix(6))]
        #expect(limited == adapt(world.batch, with: world.rule, settings: settings))
        #expect(limited[0].examples == 6)
    }

    @Test("the row budget holds and the largest rows are the kept ones")
    func gatesRows() throws {
        let world = World(seed: 9)
        var settings = AdaptationSettings.unguarded(steps: 1, width: world.width)
        let whole = adapt(world.batch, with: world.rule, settings: settings)
        settings.rowBudget = 5
        for (gated, full) in zip(adapt(world.batch, with: world.rule, settings: settings), whole) {
            let rows = try #require(gated.delta?.asRows).rows
            let dense = try #require(full.delta).dense().weights
            #expect(rows.count == 5 && gated.rows == 5)
            let least = rows.map { abs(dense[$0]) }.min() ?? 0
            #expect(dense.indices.allSatisfy { rows.contains($0) || abs(dense[$0]) <= least })
        }
    }

    @Test("numbers that are not finite keep the user's old state")
    func keepsOnNonFinite() {
        var world = World(seed: 10)
        world.features[Int(world.users[1].rows[0]), 3] = .nan
        let results = adapt(world.batch, with: world.rule, settings: .unguarded(steps: 1, width: world.width))
        #expect(results[1].verdict == .kept(.notFinite))
        #expect(results[1].delta == nil)
    }
}

@Suite struct SupportCheckTests {
    private func problem(_ labels: [Float]) -> String? {
        do { try UserSupport.check(labels: labels, at: "acme/u-1") } catch { return error.errorClass }
        return nil
    }

    @Test("labels that nothing can be learned from are refused by name")
    func refuses() {
        #expect(problem([0, 1]) == nil)
        #expect(problem([]) == "no_examples")
        #expect(problem([1, 1, 1]) == "one_class_examples")
        #expect(problem([0, .nan]) == "non_finite_label")
        #expect(problem([0, 0.5, 1]) == "label_out_of_range")
    }
}
