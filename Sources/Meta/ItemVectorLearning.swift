import Model
import Tensor

/// How vectors of texts are learned.
///
/// What they are worth together: `attune eval personalization --side-features`.
public struct ItemVectorSettings: Sendable, Equatable {
    /// Numbers of a vector, at most the meta-users.
    public var count = 64
    /// `δ`: behaviour that every text is taken to have beside its own, saying nothing.
    public var damping: Float = 30
    /// Meta-users who met a text with a vector, at least: what one of them did is nobody's to read off a recipe.
    public var minimumUsers = 3
    /// Scales `s` tried on held-out users.
    public var scales: [Float] = [1, 1.5, 2, 2.5, 3, 4, 5]
    /// Rounds of subspace iteration.
    public var rounds = 30
    /// Seeds where the iteration begins.
    public var seed: UInt64 = 1

    /// The defaults.
    public init() {}
}

extension ItemVectors {
    /// The vectors that meta-users' labels give, at scale 1; nil where no text was met by enough of them.
    ///
    /// The factors are found by subspace iteration on the users' side (Halko et al. 2011, algorithm 4.4): with the kernel
    /// `K = B Bᵀ`, `B[i, u] = R[i, u] / √(n_i + δ)`, and `Q` the top eigenvectors of `Bᵀ B`, the vectors are the rows of `B Q`.
    /// - Parameter population: the meta-train users, with texts' digests.
    public static func learned(from population: MetaPopulation, settings: ItemVectorSettings) -> ItemVectors? {
        precondition(population.textDigests.count == population.features.rows, "texts that can be told apart")
        let behaviour = Behaviour(population, settings)
        let count = min(settings.count, population.users.count)
        guard !behaviour.texts.isEmpty, count > 0 else { return nil }
        var random = RandomSource(seed: settings.seed)
        let users = population.users.count
        // A few more than are wanted, so that the last of those settle too.
        let columns = min(users, count + count / 4 + 8)
        var subspace = Matrix(
            rows: columns, columns: users, values: (0..<columns * users).map { _ in Float(random.normal()) })
        orthonormalize(&subspace)
        for _ in 0..<settings.rounds {
            subspace = behaviour.timesTransposed(behaviour.times(subspace))
            orthonormalize(&subspace)
        }
        let images = behaviour.times(subspace)
        let small = matmul(images, images, transposeA: true)
        guard let eigen = SymmetricEigen(small.values.map(Double.init), order: columns) else { return nil }
        let directions = Matrix(
            rows: count, columns: columns, values: eigen.vectors.prefix(count * columns).map { Float($0) })
        let vectors = matmul(images, directions, transposeB: true)
        let order = behaviour.texts.indices.sorted {
            population.textDigests[behaviour.texts[$0]] < population.textDigests[behaviour.texts[$1]]
        }
        return ItemVectors(
            digests: order.map { population.textDigests[behaviour.texts[$0]] },
            vectors: Matrix(rows: order.count, columns: count, values: order.flatMap { Array(vectors.row($0)) }))
    }

    /// The scale at which vectors serve held-out users best, by the outer loop's objective; nil where the texts alone serve them as
    /// well.
    ///
    /// A user's own labels are in the vectors of the texts that they met, so that meta-users look better served than others will be:
    /// each fold's users are judged with vectors learned from the other folds.
    /// - Parameters:
    ///   - rule: on the texts' own features.
    ///   - folds: how many of `outer.folds` are asked.
    package static func bestScale(
        for rule: PreconditionedRule, _ population: MetaPopulation, settings: ItemVectorSettings,
        _ outer: OuterSettings, folds: Int
    ) -> Float? {
        let scales = [0] + settings.scales
        var losses = scales.map { _ in 0.0 }
        for fold in 0..<min(folds, outer.folds) {
            let (others, own) = population.split(fold: fold, of: outer.folds)
            let held = own.keeping(\.isEligible)
            guard !held.users.isEmpty, let items = learned(from: others, settings: settings) else { continue }
            let extended = rule.extended(by: items.count)
            for (index, scale) in scales.enumerated() {
                losses[index] += OuterLoop.loss(of: extended, on: held.appending(items.scaled(by: scale)), outer)
            }
        }
        let best = losses.indices.min { losses[$0] < losses[$1] } ?? 0
        return best == 0 ? nil : scales[best]
    }

    /// Makes rows orthonormal, in order (modified Gram-Schmidt, twice).
    private static func orthonormalize(_ rows: inout Matrix) {
        let width = rows.columns
        for _ in 0..<2 {
            for row in 0..<rows.rows {
                for other in 0..<row {
                    let overlap = (0..<width).reduce(Float(0)) { $0 + rows[row, $1] * rows[other, $1] }
                    for column in 0..<width { rows[row, column] -= overlap * rows[other, column] }
                }
                let square = (0..<width).reduce(Float(0)) { $0 + rows[row, $1] * rows[row, $1] }
                let factor = square > 0 ? 1 / square.squareRoot() : 0
                for column in 0..<width { rows[row, column] *= factor }
            }
        }
    }
}

extension Matrix {
    fileprivate var transposed: Matrix {
        var other = Matrix(rows: columns, columns: rows)
        for row in 0..<rows { for column in 0..<columns { other[column, row] = self[row, column] } }
        return other
    }
}

/// `B`: users' labels of the texts that enough of them met, one row a text.
private struct Behaviour {
    /// Rows of the population's features, ascending.
    let texts: [Int]
    /// By text, who met it and the entry of `B`.
    private let entries: [[(user: Int, value: Float)]]
    private let users: Int

    init(_ population: MetaPopulation, _ settings: ItemVectorSettings) {
        var sums: [Int: [Int: Float]] = [:]
        for (user, examples) in population.users.enumerated() {
            for (row, label) in zip(examples.rows, examples.labels) {
                sums[Int(row), default: [:]][user, default: 0] += 2 * label - 1
            }
        }
        let met = sums.filter { $0.value.count >= settings.minimumUsers }.sorted { $0.key < $1.key }
        texts = met.map(\.key)
        entries = met.map { _, byUser in
            let square = byUser.values.reduce(0) { $0 + $1 * $1 }
            let damped = (square + settings.damping).squareRoot()
            return byUser.sorted { $0.key < $1.key }.map { (user: $0.key, value: $0.value / damped) }
        }
        users = population.users.count
    }

    /// `B Qᵀ`, `[texts, columns]`, of `Q` as rows, `[columns, users]`.
    func times(_ rows: Matrix) -> Matrix {
        let byUser = rows.transposed
        let width = rows.rows
        var product = Matrix(rows: texts.count, columns: width)
        for (text, entries) in entries.enumerated() {
            for entry in entries {
                for column in 0..<width {
                    product.values[text * width + column] += entry.value * byUser.values[entry.user * width + column]
                }
            }
        }
        return product
    }

    /// `(Bᵀ Y)ᵀ`, `[columns, users]`, of `Y`, `[texts, columns]`.
    func timesTransposed(_ images: Matrix) -> Matrix {
        let width = images.columns
        var byUser = Matrix(rows: users, columns: width)
        for (text, entries) in entries.enumerated() {
            for entry in entries {
                for column in 0..<width {
                    byUser.values[entry.user * width + column] += entry.value * images.values[text * width + column]
                }
            }
        }
        return byUser.transposed
    }
}
