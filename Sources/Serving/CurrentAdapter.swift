public import Adapters
public import Artifacts
import Foundation
import Meta
public import Recipe
public import Registry
public import Tensor

/// One user's adapter, read and verified, with the recipe that it belongs to.
public struct CurrentAdapter: Sendable {
    /// Where it was found.
    public let place: AdapterPlace
    /// The difference to the recipe's start; nil when the user has none and gets what everyone gets.
    public let delta: HeadDelta?
    /// The recipe it was made with.
    public let recipe: Recipe

    /// Puts together what was read and verified; tests put together what they made.
    package init(place: AdapterPlace, delta: HeadDelta?, recipe: Recipe) {
        self.place = place
        self.delta = delta
        self.recipe = recipe
    }

    /// The head the user is served with.
    public var head: LinearHead { recipe.head(of: delta) }

    /// Changes whenever the answer for this user may: with a promotion, a revision, a rollback or another recipe.
    /// Nil base epoch: the base was named by the caller, who knows which it is.
    public var entityTag: String {
        let epoch = place.baseEpoch.map { "e\($0)-" } ?? ""
        return "\"\(epoch)\(place.baseDigest.prefix(12))-r\(place.revision?.id ?? 0)-\(place.recipeDigest.prefix(12))\""
    }

    /// The same as a file for people: with the start inside, safetensors alone is enough to apply it.
    ///
    /// A user without an adapter gets the empty difference to the head for everyone. Coefficients are written in full.
    public var file: AdapterFile {
        AdapterFile(
            delta: delta.map(Self.expanded) ?? .zero(width: recipe.width),
            provenance: AdapterProvenance(baseDigest: place.baseDigest, recipeDigest: place.recipeDigest),
            start: delta == nil ? recipe.headWithoutData : recipe.publishedStart)
    }

    /// Coefficients as the weights that they stand for: a file for people has no basis to read them in.
    private static func expanded(_ delta: HeadDelta) -> HeadDelta {
        guard case .coefficients = delta else { return delta }
        let (weights, bias) = delta.dense()
        return FullDelta(weights, bias: bias).map(HeadDelta.full) ?? delta
    }

    /// Probabilities of a positive label, without and with the user's adapter.
    ///
    /// - Parameter features: `[texts, width]`, as ``Recipe/features(_:of:)`` makes them of the base's.
    public func predictions(of features: Matrix) -> [Prediction] {
        zip(recipe.headWithoutData.logits(of: features), head.logits(of: features)).map { general, own in
            Prediction(withoutAdapter: Self.logistic(general), withAdapter: Self.logistic(own))
        }
    }

    /// `1 / (1 + exp(-z))`.
    private static func logistic(_ z: Float) -> Float { 1 / (1 + exp(-z)) }
}

/// What is predicted for one text.
public struct Prediction: Sendable, Hashable {
    /// Probability, 0 to 1, by the head for everyone.
    public var withoutAdapter: Float
    /// Probability, 0 to 1, by the user's own head; the same where the user has no adapter.
    public var withAdapter: Float

    /// States a prediction.
    public init(withoutAdapter: Float, withAdapter: Float) {
        self.withoutAdapter = withoutAdapter
        self.withAdapter = withAdapter
    }
}
