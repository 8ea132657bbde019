import Problem
import StrictJSON
public import Tensor

/// The shape of a frozen transformer, as config.json states it, and what distinguishes its family.
public struct TransformerConfiguration: Sendable, Equatable {
    /// The three families of blocks.
    public enum Family: String, Sendable, CaseIterable {
        /// Encoders that attend both ways and normalise after each residual (Devlin et al. 2019).
        case bert
        /// Decoders with learned positions that normalise before each layer (Radford et al. 2019).
        case gpt2
        /// Decoders with rotary positions, RMS norms and gated feed-forward layers (Touvron et al. 2023).
        case llama
    }

    /// Which family.
    public let family: Family
    /// Channels of a token.
    public let width: Int
    /// Blocks, one after the other.
    public let blocks: Int
    /// The heads of every block's attention.
    public let attention: AttentionShape
    /// Channels inside the feed-forward layer.
    public let feedForwardWidth: Int
    /// Rows of the token embedding.
    public let vocabularySize: Int
    /// The most tokens a text may have.
    public let positions: Int
    /// Rows of the segment embedding, of which row 0 is used; 0: there is none.
    public let segments: Int
    /// What normalisation adds to the variance.
    public let normEpsilon: Float
    /// What rotary positions are powers of; nil: positions are learned.
    public let rotaryBase: Double?
    /// Whether the token embedding also scores the next token.
    public let tiesHead: Bool

    /// Reads config.json.
    ///
    /// Throws a ``Problem`` `model_family` for a family that is not known or an option that changes the mathematics, and
    /// `config_malformed` for a field that is missing or out of range.
    public init(json bytes: [UInt8], file: String) throws {
        let fields = try ConfigurationFields(json: bytes, file: file)
        guard let family = Family(rawValue: try fields.family()) else { throw fields.unknownFamily() }
        self.family = family
        let shape =
            switch family {
            case .bert: try fields.bert()
            case .gpt2: try fields.gpt2()
            case .llama: try fields.llama()
            }
        (width, blocks, attention, feedForwardWidth) = (
            shape.width, shape.blocks, shape.attention, shape.feedForwardWidth
        )
        (vocabularySize, positions, segments) = (shape.vocabularySize, shape.positions, shape.segments)
        (normEpsilon, rotaryBase, tiesHead) = (shape.normEpsilon, shape.rotaryBase, shape.tiesHead)
        guard positions >= 2 else { throw fields.malformed("a text must be allowed 2 tokens at least") }
    }
}
