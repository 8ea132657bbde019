public import Adapters
public import Model

/// How a decoder is adapted to one user's text: low-rank adapters, trained for some epochs by AdamW on the text cut into
/// windows.
///
/// The defaults were chosen on the validation authors of two sets of authors' texts with a GPT-2 of 4.3 million
/// parameters.
public struct TextAdaptationSettings: Sendable, Equatable, Codable {
    /// Rank of the adapters; at least 1.
    public var rank = 8
    /// The numerator of their scale, `alpha / rank`.
    public var alpha: Float = 16
    /// The places of every block that get one, where the base has the place.
    public var places: [Site.Place] = [.query, .value, .attentionProjection, .up, .down]
    /// Tokens of a training window, at least 2; a base's positions are its limit.
    public var windowTokens = 256
    /// Windows of a step; at least 1.
    public var windowsPerStep = 1
    /// How often the text is gone through; each time it is cut elsewhere.
    public var epochs = 4
    /// AdamW's rate at the first step; it falls linearly to zero.
    public var learningRate: Float = 1e-3
    /// AdamW's decay of the weights.
    public var decay: Float = 0.01
    /// What share of the trained change is kept, above 0 up to 1: weights between the base's and the trained ones hold better
    /// on text that differs from what was trained on (Wortsman et al. 2022).
    public var keptShare: Float = 0.5

    /// The defaults.
    public init() {}

    /// The same with windows that fit a base.
    public func fitting(_ transformer: Transformer) -> TextAdaptationSettings {
        var settings = self
        settings.windowTokens = min(windowTokens, transformer.maximumTokens)
        return settings
    }

    /// The adapter of every site.
    public var kind: LoRA { LoRA(rank: rank, alpha: alpha) }

    /// The adapters' sites in a base.
    public func plan(_ configuration: TransformerConfiguration) -> AdapterPlan {
        var kinds: [Site: any AdapterKind] = [:]
        for block in 0..<configuration.blocks {
            for place in places where configuration.has(Site(place, block: block)) {
                kinds[Site(place, block: block)] = kind
            }
        }
        return AdapterPlan(configuration, kinds)
    }
}
