public import Adapters
public import Artifacts
import Foundation
import Meta
public import Model
import Problem
public import Recipe
public import Registry
public import Tensor

/// One user's adapter, read and verified, with the recipe that it belongs to.
public struct CurrentAdapter: Sendable {
    /// Where it was found.
    public let place: AdapterPlace
    /// The difference to the recipe's start; nil when the user has none and gets what everyone gets.
    public let delta: UserDelta?
    /// The recipe it was made with.
    public let recipe: Recipe

    /// Puts together what was read and verified; tests put together what they made.
    package init(place: AdapterPlace, delta: UserDelta?, recipe: Recipe) {
        self.place = place
        self.delta = delta
        self.recipe = recipe
    }

    /// The head over pooled features that the user is served with.
    ///
    /// - Throws: `adapter_kind` for an adapter inside the encoder, which is more than a head.
    public var head: LinearHead {
        get throws { recipe.head(of: try headDelta) }
    }

    private var location: String { "revision \(place.revision.map { String($0.number) } ?? "none")" }

    private var headDelta: HeadDelta? {
        get throws { try delta?.head(at: location) }
    }

    /// Changes whenever the answer for this user may: with a promotion, a revision, a rollback or another recipe.
    /// Nil base epoch: the base was named by the caller, who knows which it is.
    public var entityTag: String {
        let epoch = place.baseEpoch.map { "e\($0)-" } ?? ""
        return "\"\(epoch)\(place.baseDigest.prefix(12))-r\(place.revision?.id ?? 0)-\(place.recipeDigest.prefix(12))\""
    }

    /// The same as a file for people: with the start inside, safetensors alone is enough to apply it.
    ///
    /// A user without an adapter gets the empty difference to the head for everyone. Coefficients are written in full.
    ///
    /// - Throws: `adapter_kind` for an adapter inside the encoder, which such a file cannot say.
    public var file: AdapterFile {
        get throws {
            AdapterFile(
                delta: try headDelta.map(Self.expanded) ?? .zero(width: recipe.width),
                provenance: AdapterProvenance(baseDigest: place.baseDigest, recipeDigest: place.recipeDigest),
                start: delta == nil ? recipe.headWithoutData : recipe.publishedStart)
        }
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
    /// - Throws: `adapter_kind` for an adapter inside the encoder, which needs the texts.
    public func predictions(of features: Matrix) throws -> [Prediction] {
        predictions(of: features, own: try head.logits(of: features))
    }

    /// The same of texts, whatever the kind of the adapter; blocking, on the calling thread.
    ///
    /// - Parameter encoder: of the recipe's base.
    /// - Throws: what the encoder does, and `base_mismatch` where the base lacks what the recipe adapts.
    public func predictions(of texts: [String], with encoder: CachedEncoder) throws -> [Prediction] {
        let features = recipe.features(try encoder.features(texts), of: texts.map { TextDigest(of: $0) })
        guard case .sparse(let delta) = delta, let part = recipe.sparse else { return try predictions(of: features) }
        let inside = encoder.encoder
        let rule = try part.rule(in: recipe, for: inside.configuration, at: location)
        let sequences = EncoderTexts(
            inside.transformer, texts.map(inside.tokens), cache: PrefixCache(byteLimit: Self.prefixBytes))
        var adaptation = EncoderAdaptation(sequences, rule.rule.plan)
        return predictions(
            of: features, own: adaptation.logits(of: texts.indices.map { Int32($0) }, for: delta, with: rule))
    }

    /// Rows before the adapter of texts that are asked for once.
    private static let prefixBytes = 16 << 20

    private func predictions(of features: Matrix, own: [Float]) -> [Prediction] {
        zip(recipe.headWithoutData.logits(of: features), own).map { general, own in
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
