import Meta
import Tensor

/// Three users' small head problems, numbers of order 1, over features that end in a one.
struct HeadWorld {
    let problem: HeadProblem
    let population: MetaPopulation

    init(seed: UInt64, width: Int = 4, rankingShare: Float = 0.5) {
        var random = RandomSource(seed: seed)
        let features = Matrix(rows: 30, columns: width, values: (0..<30 * width).map { _ in Float(random.normal()) })
        let users = (0..<3).map { user in
            MetaUser(
                id: "u\(user)", rows: (0..<20).map { _ in Int32(random.index(below: 30)) },
                labels: (0..<20).map { Float(($0 + user) % 2) }, supportCount: 12)
        }
        population = MetaPopulation(features: features, users: users).affine(scale: 1)
        problem = HeadProblem(population, support: 6, OuterObjective(rankingShare: rankingShare))
    }
}
