import Adapters
import Meta
import Population
import Recipe
import Tensor

extension FuzzTarget {
    /// A recipe: written and read again, and a user of three examples is adapted with it.
    static let recipe = FuzzTarget("recipe") { bytes in
        let recipe = try Recipe(decoding: bytes, at: "fuzzed")
        promise(again { try Recipe(decoding: recipe.encode(), at: "copy") } == recipe)
        promise(recipe.head(of: nil).isFinite)
        guard recipe.width <= 64 else { return }
        if let part = recipe.sparse {
            promise(recipe.settings.steps == part.logRates.count && part.width == recipe.width)
            let kept = (0..<part.storage.groups.count).map { $0 < part.storage.keptGroups }
            let delta = SparseUserDelta(
                rounding: part.support.scales, kept: kept, head: [Float](repeating: 1, count: part.width), bias: 0,
                (part.storage.entries, part.storage.head), part.shape)
            guard let delta else { return }
            promise(again { try SparseUserDelta(decoding: delta.encoded(), part.shape, at: "copy") } == delta)
            return
        }
        let texts = Matrix(rows: 3, columns: recipe.width, values: (0..<3 * recipe.width).map { Float($0 % 5) - 2 })
        let batch = PackedSupport(
            features: recipe.project(texts), users: [UserSupport(rows: [0, 1, 2], labels: [1, 0, 1])])
        let adaptation = adapt(batch, with: recipe.rule, settings: recipe.settings, storing: recipe.form)[0]
        guard case .adapted(let delta) = adaptation.verdict else { return }
        promise(recipe.head(of: delta).width == recipe.width)
        promise(delta.valueCount <= recipe.basis?.count ?? recipe.settings.rowBudget)
    }

    /// The examples of one user as a line of JSON: written and read again.
    static let user = FuzzTarget("user") { bytes in
        let user = try UserExamples(jsonLine: bytes, at: "fuzzed")
        promise(again { try UserExamples(jsonLine: Array(user.jsonLine.utf8), at: "copy") } == user)
        promise((0...user.examples.count).contains(user.supportCount))
    }
}
