public import Adapters
public import Tensor

/// How the basis of a recipe is learned.
///
/// The defaults were chosen on two rating sets and two seeds (`attune eval size`): 64 coefficients in int8 kept .978 to .999 of
/// the full head's gain of AUC over the head for everyone, 24 to 48 kept .958 to .996, which at four examples cost up to .004 of
/// AUC. In int4 they kept as much, but rounding then changed a user's query loss by .006 at the median and .037 at the 99 %
/// quantile, past what is accepted.
public struct BasisSettings: Sendable, Equatable {
    /// Directions, at most: fewer where the meta-users' differences have fewer.
    public var count = 64
    /// How users' coefficients are rounded.
    public var precision = CoefficientPrecision.int8
    /// Random windows of each support size that each meta-user is adapted on.
    public var windows = 4
    /// Seeds the windows.
    public var seed: UInt64 = 1

    /// The defaults.
    public init() {}
}

/// Mean and covariance of the features of all examples of all users, a text counted as often as they have it.
public struct FeatureMoments: Sendable {
    /// `[width]`.
    public let mean: [Float]
    /// `[width, width]`, with a thousandth of its mean diagonal added to the diagonal: logits of texts that no meta-user
    /// has met matter, too, and it becomes definite.
    public let covariance: Matrix

    /// Of a population with at least one example.
    public init(_ population: MetaPopulation) {
        let (texts, width) = (population.features.rows, population.features.columns)
        var counts = [Float](repeating: 0, count: texts)
        for user in population.users { for row in user.rows { counts[Int(row)] += 1 } }
        let total = max(1, counts.reduce(0, +))
        let shares = Matrix(rows: 1, columns: texts, values: counts.map { $0 / total })
        let mean = matmul(shares, population.features).values
        var centred = population.features
        for text in 0..<texts {
            let weight = shares.values[text].squareRoot()
            for column in 0..<width { centred[text, column] = weight * (centred[text, column] - mean[column]) }
        }
        var covariance = matmul(centred, centred, transposeA: true)
        let trace = (0..<width).reduce(Float(0)) { $0 + covariance[$1, $1] }
        for index in 0..<width { covariance[index, index] += 1e-3 * trace / Float(width) + 1e-12 }
        self.mean = mean
        self.covariance = covariance
    }
}

extension HeadBasis {
    /// The directions that meta-users' differences share: principal components of what the differences do to logits.
    ///
    /// Differences are scaled to the same effect, so that users count alike, and directions so that the differences'
    /// coefficients along each vary alike: one scale then rounds them all as finely as it can.
    /// - Parameters:
    ///   - population: the meta-train users.
    ///   - rule: what they are adapted with, by all of its steps.
    /// - Returns: nil where no difference is other than zero.
    public static func learned(
        from population: MetaPopulation, under rule: PreconditionedRule, settings: BasisSettings
    ) -> HeadBasis? {
        var random = RandomSource(seed: settings.seed)
        var supports: [UserSupport] = []
        for user in population.users {
            for size in ScoringProtocol.supportSizes where user.rows.count >= size {
                for _ in 0..<settings.windows {
                    let first = random.index(below: user.rows.count - size + 1)
                    supports.append(
                        UserSupport(
                            rows: Array(user.rows[first..<first + size]),
                            labels: Array(user.labels[first..<first + size])))
                }
            }
        }
        let adapted = adapt(
            PackedSupport(
                features: rule.project(population.features, withoutData: rule.start), users: supports), with: rule,
            settings: .unguarded(steps: rule.steps.count, width: rule.width), storing: .full(.float32))
        let differences = adapted.compactMap { $0.delta?.dense().weights }
        return spanning(
            Matrix(rows: differences.count, columns: rule.width, values: differences.flatMap { $0 }),
            moments: FeatureMoments(population), count: settings.count, precision: settings.precision)
    }

    /// The principal directions of differences under a covariance of features.
    ///
    /// With `C = L Lᵀ` a difference `d` acts on logits as long as `Lᵀd` is; the eigenvectors `q` of the second moment of
    /// `Lᵀd / |Lᵀd|`, with eigenvalues `σ²`, give the directions `σ L⁻ᵀ q`.
    /// - Parameters:
    ///   - differences: `[n, width]`.
    ///   - count: directions at most; fewer where the differences span fewer.
    /// - Returns: nil where no difference is other than zero.
    public static func spanning(
        _ differences: Matrix, moments: FeatureMoments, count: Int, precision: CoefficientPrecision
    ) -> HeadBasis? {
        let width = moments.mean.count
        let metric = moments.covariance
        guard let factor = CholeskyFactor(metric.values.map(Double.init), order: width),
            let moment = secondMoment(differences, metric),
            let eigen = SymmetricEigen(whitened(moment, factor), order: width), let largest = eigen.values.first,
            largest > 0
        else { return nil }
        // Products in Float leave so much where there is nothing.
        let kept = eigen.values.prefix(min(count, largestCount)).count { $0 > 1e-6 * largest }
        var directions = Matrix(rows: kept, columns: width)
        var projector = directions
        for index in 0..<kept {
            let deviation = eigen.values[index].squareRoot()
            var direction = Array(eigen.vectors[index * width..<(index + 1) * width])
            factor.unwhiten(&direction)
            for row in 0..<width {
                let product = (0..<width).reduce(0.0) { $0 + Double(metric[row, $1]) * direction[$1] }
                projector[index, row] = Float(product / deviation)
                directions[index, row] = Float(direction[row] * deviation)
            }
        }
        return HeadBasis(
            directions: directions, projector: projector, meanFeature: moments.mean, precision: precision)
    }

    /// The mean of `d dᵀ / dᵀCd`, `[width, width]`; nil without a difference that acts.
    private static func secondMoment(_ differences: Matrix, _ metric: Matrix) -> Matrix? {
        var scaled = differences
        let images = matmul(differences, metric)
        var acting = 0
        for row in 0..<differences.rows {
            let square = zip(differences.row(row), images.row(row)).reduce(Float(0)) { $0 + $1.0 * $1.1 }
            let factor = square > 0 ? 1 / square.squareRoot() : 0
            acting += factor > 0 && factor.isFinite ? 1 : 0
            for column in 0..<scaled.columns { scaled[row, column] *= factor.isFinite ? factor : 0 }
        }
        guard acting > 0 else { return nil }
        var moment = matmul(scaled, scaled, transposeA: true)
        for index in moment.values.indices { moment.values[index] /= Float(acting) }
        return moment
    }

    /// `Lᵀ M L` of a symmetric `M`, row-major in Double.
    private static func whitened(_ moment: Matrix, _ factor: CholeskyFactor) -> [Double] {
        let width = moment.rows
        var values = moment.values.map(Double.init)
        for _ in 0..<2 {
            var transposed = [Double](repeating: 0, count: values.count)
            for row in 0..<width {
                var vector = Array(values[row * width..<(row + 1) * width])
                factor.whiten(&vector)
                for column in 0..<width { transposed[column * width + row] = vector[column] }
            }
            values = transposed
        }
        return values
    }
}
