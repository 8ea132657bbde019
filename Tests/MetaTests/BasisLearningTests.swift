import Adapters
import Gate
import Meta
import Tensor
import Testing

@Suite struct BasisLearningTests {
    private let width = 20

    private func normals(_ count: Int, _ random: inout RandomSource) -> [Float] {
        (0..<count).map { _ in Float(random.normal()) }
    }

    /// Texts with features of unequal spread around a mean, and users who have them.
    private func population(users: Int, seed: UInt64) -> MetaPopulation {
        var random = RandomSource(seed: seed)
        var features = Matrix(rows: 120, columns: width, values: normals(120 * width, &random))
        for row in 0..<120 {
            for column in 0..<width { features[row, column] = features[row, column] / Float(1 + column) + 0.2 }
        }
        return MetaPopulation(
            features: features,
            users: (0..<users).map { user in
                MetaUser(
                    id: "u\(user)", rows: (0..<40).map { _ in Int32(random.index(below: 120)) },
                    labels: (0..<40).map { _ in Float(random.index(below: 2)) }, supportCount: 32)
            })
    }

    @Test("differences that lie along a few directions are recovered exactly, whatever the features", arguments: 1...4)
    func recoversLowRank(rank: Int) throws {
        var random = RandomSource(seed: UInt64(rank))
        let moments = FeatureMoments(population(users: 20, seed: 1))
        let directions = Matrix(rows: rank, columns: width, values: normals(rank * width, &random))
        let shares = Matrix(rows: 60, columns: rank, values: normals(60 * rank, &random))
        let differences = matmul(shares, directions)
        let basis = try #require(HeadBasis.spanning(differences, moments: moments, count: 10, precision: .int8))
        #expect(basis.count == rank, "no direction for what is rounding")
        for row in 0..<60 {
            let difference = Array(differences.row(row))
            let (kept, bias) = basis.projected(difference, bias: 0.5)
            let largest = difference.map(abs).max() ?? 0
            #expect(zip(kept, difference).allSatisfy { abs($0 - $1) < 1e-4 * largest })
            #expect(abs(bias - 0.5) < 1e-3 * largest)
        }
    }

    @Test("coefficients leave less error of logits than any other coefficients do")
    func leastSquares() throws {
        var random = RandomSource(seed: 8)
        let people = population(users: 30, seed: 2)
        let moments = FeatureMoments(people)
        let differences = Matrix(rows: 80, columns: width, values: normals(80 * width, &random))
        let basis = try #require(HeadBasis.spanning(differences, moments: moments, count: 5, precision: .int8))
        #expect(basis.count == 5)
        func error(_ difference: [Float], _ kept: [Float]) -> Double {
            let off = zip(difference, kept).map { Double($0 - $1) }
            return (0..<width * width).reduce(0) {
                $0 + off[$1 / width] * Double(moments.covariance.values[$1]) * off[$1 % width]
            }
        }
        for row in 0..<10 {
            let difference = Array(differences.row(row))
            let best = basis.coefficients(of: Matrix(rows: 1, columns: width, values: difference)).values
            let least = error(difference, basis.combine(best))
            #expect(least < error(difference, [Float](repeating: 0, count: width)))
            for index in 0..<5 {
                for step in [Float(0.05), -0.05] {
                    var other = best
                    other[index] += step
                    #expect(error(difference, basis.combine(other)) > least)
                }
            }
        }
    }

    @Test("moments are those of the examples, a text counted as often as users have it")
    func moments() {
        let features = Matrix(rows: 3, columns: 2, values: [1, 0, 0, 1, 5, 5])
        let moments = FeatureMoments(
            MetaPopulation(
                features: features,
                users: [MetaUser(id: "u", rows: [0, 0, 0, 1], labels: [1, 0, 1, 0], supportCount: 4)]))
        #expect(moments.mean == [0.75, 0.25])
        let ridge: Float = 1e-3 * 0.375 / 2
        for (value, exact) in zip(moments.covariance.values, [0.1875 + ridge, -0.1875, -0.1875, 0.1875 + ridge]) {
            #expect(abs(value - exact) < 1e-6)
        }
    }

    @Test("users' differences under a rule give a basis that keeps more with more directions, the same every time")
    func learns() throws {
        let people = population(users: 40, seed: 3)
        var rule = PreconditionedRule.plain(from: .zero(width: width))
        rule.start.weights[3] = 0.4
        var settings = BasisSettings()
        settings.count = 12
        let basis = try #require(HeadBasis.learned(from: people, under: rule, settings: settings))
        #expect(basis.count == 12 && basis.width == width && basis.precision == .int8)
        #expect(HeadBasis.learned(from: people, under: rule, settings: settings) == basis)
        settings.seed = 2
        #expect(HeadBasis.learned(from: people, under: rule, settings: settings) != basis)

        let batch = PackedSupport(
            features: rule.project(people.features, withoutData: rule.start),
            users: people.users.map { $0.support(8) })
        let unguarded = AdaptationSettings.unguarded(steps: 1, width: width)
        let whole = adapt(batch, with: rule, settings: unguarded, storing: .full(.float32))
        func error(_ count: Int) throws -> Double {
            let form = DeltaForm.coefficients(basis.prefix(count, precision: .int8))
            let stored = adapt(batch, with: rule, settings: unguarded, storing: form)
            var sum = 0.0
            for (one, other) in zip(stored, whole) {
                #expect(one.rows == count)
                let (one, other) = (try #require(one.delta), try #require(other.delta))
                let logits = [one, other].map { $0.applied(to: rule.start).logits(of: people.features) }
                sum += zip(logits[0], logits[1]).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
            }
            return sum
        }
        let errors = try [2, 4, 8, 12].map(error)
        #expect(zip(errors, errors.dropFirst()).allSatisfy { $0 > $1 }, "\(errors)")
        #expect(errors[3] < 0.1 * errors[0], "\(errors)")
    }

    @Test("where no user's difference is other than zero there is no basis")
    func nothingToSpan() {
        let moments = FeatureMoments(population(users: 3, seed: 4))
        #expect(
            HeadBasis.spanning(Matrix(rows: 5, columns: width), moments: moments, count: 3, precision: .int8) == nil)
        #expect(
            HeadBasis.spanning(
                Matrix(rows: 1, columns: width, filledWith: .nan), moments: moments, count: 3, precision: .int8) == nil)
    }

    @Test("a copy in a basis is what the steps begin at, as far as its coefficients tell")
    func warmStarts() throws {
        let world = World(seed: 31)
        var random = RandomSource(seed: 1)
        let people = MetaPopulation(
            features: world.features,
            users: (0..<60).map { user in
                MetaUser(
                    id: "\(user)", rows: (0..<32).map { _ in Int32(random.index(below: 40)) },
                    labels: (0..<32).map { Float($0 % 2) }, supportCount: 32)
            })
        var settings = BasisSettings()
        settings.count = world.width
        let basis = try #require(HeadBasis.learned(from: people, under: world.rule, settings: settings))
        let unguarded = AdaptationSettings.unguarded(steps: 1, width: world.width)
        let had = adapt(world.batch, with: world.rule, settings: unguarded, storing: .coefficients(basis)).map(\.delta)
        var still = world.rule
        still.steps = [StepParameters(logRate: -60, logBiasRate: -60, decayLogit: -60)]
        let starts = StateFinder(still).starts(from: had, scale: 1)
        let again = adapt(world.batch, with: still, settings: unguarded, storing: .coefficients(basis), from: starts)
        for (old, new) in zip(had, again) {
            let (old, new) = (try #require(old).dense(), try #require(new.delta).dense())
            let largest = old.weights.map(abs).max() ?? 0
            #expect(largest > 0 && zip(old.weights, new.weights).allSatisfy { abs($0 - $1) < 0.1 * largest })
        }
    }
}
