import Adapters
import Meta
import Tensor

/// Adaptation at the pooled output, computed: packs of users over shared features, one learned step, guarded.
struct PooledRun {
    let width: Int
    let users: Int
    let seed: UInt64

    /// Examples of a user, and users packed together.
    private static let (support, pack) = (32, 64)

    /// One core.
    func usersPerSecond() -> Double {
        var random = RandomSource(seed: seed)
        let texts = 1024
        var features = Matrix(rows: texts, columns: width)
        for row in 0..<texts {
            let values = (0..<width).map { _ in Float(random.normal()) }
            let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
            for column in 0..<width { features[row, column] = values[column] / norm }
        }
        let rule = PreconditionedRule(
            start: .zero(width: width), preconditioner: .dense(.identity(width, scale: 2.8)),
            steps: [StepParameters(logRate: -0.2, logBiasRate: -2, decayLogit: -4)], supportExponent: 0.5)
        let settings = AdaptationSettings(
            steps: 1, rowBudget: 256, maximumExamples: 128, scale: 0.5,
            guarding: GuardSettings(smallSupportGain: 0.01))
        let projected = rule.project(features, withoutData: rule.start)
        let packs = (0..<max(1, users / Self.pack)).map { _ in
            PackedSupport(
                features: projected,
                users: (0..<Self.pack).map { _ in
                    UserSupport(
                        rows: (0..<Self.support).map { _ in Int32(random.index(below: texts)) },
                        labels: (0..<Self.support).map { Float($0 % 2) })
                })
        }
        _ = adapt(packs[0], with: rule, settings: settings)
        var adapted = 0
        let seconds = ProductBench.seconds {
            for pack in packs { adapted += adapt(pack, with: rule, settings: settings).count }
        }
        return Double(adapted) / seconds
    }
}
