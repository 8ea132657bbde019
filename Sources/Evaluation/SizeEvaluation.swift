import Adapters
import Artifacts
import Gate
public import Meta
public import Problem
package import Recipe
import Tensor

/// Judges what a user's stored bytes buy: each form of the same differences, really encoded into packs, by the gain of AUC
/// over the head for everyone that is left of it.
///
/// Every user is adapted once at each support size, without the guard and at full scale; the forms then differ in nothing but
/// what is stored. What is lost to rounding alone is measured by the query loss against the same form unrounded.
public struct SizeEvaluation: Sendable {
    /// Rows kept by magnitude, beside what a recipe without a basis keeps: two thirds.
    static let rowCounts = [16, 32, 64, 128, 256]
    /// Directions of the basis.
    static let basisCounts = [8, 16, 24, 32, 48, 64]

    private let training: MetaPopulation
    private let scored: MetaPopulation
    private let seed: UInt64

    /// Splits a population and takes the users to score, as ``PersonalizationEvaluation`` does.
    ///
    /// - Throws: `no_eligible_users`.
    public init(
        _ population: MetaPopulation, test: MetaPopulation? = nil, seed: UInt64 = 1, at location: String
    ) throws(Problem) {
        let split = population.split()
        training = split.training
        scored = test?.keeping(\.isEligible) ?? split.validation
        self.seed = seed
        guard !scored.users.isEmpty else { throw PersonalizationEvaluation.noEligibleUsers(at: location) }
    }

    /// Scores every form.
    ///
    /// - Parameters:
    ///   - recipe: learned on the meta-train users of the same population.
    ///   - inside: adapters inside the encoder, scored on the same users, to be put beside the heads.
    ///   - progress: how many of the forms are done.
    /// - Throws: what encoding the recipe or `progress` throws.
    package func run(
        _ recipe: Recipe, inside: [EncoderForms.Scored] = [], progress: (Int, Int) throws -> Void
    ) throws -> SizeReport {
        let differences = ScoringProtocol.supportSizes.map { self.differences(recipe, support: $0) }
        let provenance = AdapterProvenance(
            baseDigest: recipe.baseDigest, recipeDigest: Recipe.digest(of: try recipe.encode()))
        var builder = SizeReport.Builder(
            users: scored.users.count, seed: seed,
            base: scored.scores(under: scored.users.map { _ in recipe.headWithoutData }).areas)
        let forms = self.forms(recipe)
        for (done, form) in forms.enumerated() {
            try progress(done, forms.count)
            if form.isShipped { for other in inside { builder.add(other) } }
            var bytes = 0
            var sizes: [SizeReport.Scores] = []
            for (size, differences) in zip(ScoringProtocol.supportSizes, differences) {
                let (stored, exact) = differences.deltas(form, rowBudget: form.rowBudget, support: size)
                bytes += Self.packed(stored, provenance, width: recipe.width)
                sizes.append(
                    SizeReport.Scores(
                        support: size, stored: scores(stored, recipe), unrounded: scores(exact, recipe)))
            }
            builder.add(
                form.name, values: form.values,
                bytesPerUser: Double(bytes) / Double(scored.users.count * sizes.count), sizes)
        }
        return builder.report(
            .init(
                trainingUsers: training.users.count, scoredUsers: scored.users.count, shipped: recipe.form.name,
                width: recipe.width, seed: seed))
    }

    /// A named form.
    private struct NamedForm {
        var name: String
        var form: DeltaForm
        /// Numbers that it stores, besides scale and bias.
        var values: Int
        var rowBudget: Int
        var isShipped = false
    }

    /// The users' differences at one support size, in full.
    private struct Differences {
        var weights: [[Float]]
        var biases: [Float]

        /// Stored as a form has them, and the same unrounded; users whose numbers are not finite keep the start.
        func deltas(_ form: NamedForm, rowBudget: Int, support: Int) -> (stored: [HeadDelta?], exact: [HeadDelta?]) {
            var (stored, exact): ([HeadDelta?], [HeadDelta?]) = ([], [])
            for (weights, bias) in zip(weights, biases) {
                stored.append(form.form.stored(weights, bias: bias, supportCount: support, rowBudget: rowBudget))
                exact.append(SizeEvaluation.unrounded(form.form, weights, bias, support, rowBudget))
            }
            return (stored, exact)
        }
    }

    /// The first is the measure of all others; the last is what ships.
    private func forms(_ recipe: Recipe) -> [NamedForm] {
        let width = recipe.width
        var forms = [
            NamedForm(name: "full.f32", form: .full(.float32), values: width, rowBudget: width),
            NamedForm(name: "full.f16", form: .full(.float16), values: width, rowBudget: width),
        ]
        for count in Self.rowCounts + [width * 2 / 3, width] where count <= width && count > 0 {
            guard !forms.contains(where: { $0.name == "rows\(count).int8" }) else { continue }
            forms.append(
                NamedForm(
                    name: "rows\(count).int8", form: .rows(MagnitudeGate()), values: count, rowBudget: count))
        }
        var settings = BasisSettings()
        settings.count = Self.basisCounts.max() ?? 1
        if let basis = HeadBasis.learned(from: training, under: recipe.rule, settings: settings) {
            for precision in CoefficientPrecision.allCases {
                for count in Self.basisCounts where count <= basis.count {
                    let form = DeltaForm.coefficients(basis.prefix(count, precision: precision))
                    forms.append(NamedForm(name: form.name, form: form, values: count, rowBudget: width))
                }
            }
        }
        let count = recipe.basis?.count ?? recipe.settings.rowBudget
        return forms + [
            NamedForm(
                name: "shipped", form: recipe.form, values: count, rowBudget: recipe.settings.rowBudget,
                isShipped: true)
        ]
    }

    private func differences(_ recipe: Recipe, support size: Int) -> Differences {
        let adapted = adapt(
            PackedSupport(
                features: recipe.project(scored.features), users: scored.users.map { $0.support(size) }),
            with: recipe.rule, settings: .unguarded(steps: recipe.settings.steps, width: recipe.width),
            storing: .full(.float32))
        let dense = adapted.map { $0.delta?.dense() ?? ([Float](repeating: 0, count: recipe.width), 0) }
        return Differences(weights: dense.map(\.0), biases: dense.map(\.1))
    }

    /// What a form keeps, before its numbers are rounded.
    private static func unrounded(
        _ form: DeltaForm, _ weights: [Float], _ bias: Float, _ support: Int, _ rowBudget: Int
    ) -> HeadDelta? {
        switch form {
        case .full: return FullDelta(weights, bias: bias).map(HeadDelta.full)
        case .rows(let gate):
            let mask = gate.mask(for: GateInput(delta: weights, supportCount: support, rowBudget: rowBudget))
            var kept = [Float](repeating: 0, count: weights.count)
            for row in mask.rows { kept[row] = weights[row] }
            return FullDelta(kept, bias: bias).map(HeadDelta.full)
        case .coefficients(let basis):
            let (kept, shifted) = basis.projected(weights, bias: bias)
            return FullDelta(kept, bias: shifted).map(HeadDelta.full)
        }
    }

    private func scores(_ deltas: [HeadDelta?], _ recipe: Recipe) -> [ScoredQuery] {
        scored.scores(under: deltas.map { $0?.applied(to: recipe.rule.start) ?? recipe.headWithoutData })
    }

    /// Bytes of the pack of one delivery of all users.
    private static func packed(_ deltas: [HeadDelta?], _ provenance: AdapterProvenance, width: Int) -> Int {
        var pack = PackWriter(provenance: provenance, width: width)
        for (uid, delta) in deltas.enumerated() {
            if let delta { _ = pack.add(delta, uid: Int64(uid + 1)) }
        }
        return pack.finish().bytes.count
    }
}

extension DeltaForm {
    /// What tables call it.
    fileprivate var name: String {
        switch self {
        case .rows: "rows"
        case .coefficients(let basis): "basis\(basis.count).\(basis.precision.rawValue)"
        case .full(let precision): precision == .float16 ? "full.f16" : "full.f32"
        }
    }
}
