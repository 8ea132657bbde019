import Tensor

/// A place of the frozen transformer that adapters attach to.
public struct Site: Hashable, Sendable, Comparable {
    /// Which of a block's places, in the order in which a block comes by them.
    public enum Place: String, Sendable, CaseIterable, Comparable, Codable {
        /// The rows before the first block, of which virtual tokens are an adapter\'s own; of block 0 only.
        case embeddings
        /// The projections to queries, keys and values: they read the attention layer's input.
        case query = "q"
        case key = "k"
        case value = "v"
        /// The projection of what the heads gathered.
        case attentionProjection = "o"
        /// The attention layer's output, before it joins the residual.
        case attention
        /// The projections into the feed-forward layer; the gate is there in gated families only.
        case gate
        case up
        /// The projection out of it.
        case down
        /// The feed-forward layer's output, before it joins the residual.
        case feedForward = "feed_forward"
        /// What the block passes on.
        case block
        /// The unit-norm mean of a text's rows, after all blocks.
        case pooled

        private static let order = Dictionary(uniqueKeysWithValues: zip(allCases, allCases.indices))

        /// By block, then by place.
        public static func < (left: Place, right: Place) -> Bool { order[left, default: 0] < order[right, default: 0] }

        /// Whether it is a product of the block: what attaches there adds a function of the product's input to its output.
        public var isProjection: Bool {
            switch self {
            case .query, .key, .value, .attentionProjection, .gate, .up, .down: true
            case .embeddings, .attention, .feedForward, .block, .pooled: false
            }
        }
    }

    /// The block, counted from 0; of the pooled output the number of blocks.
    public let block: Int
    /// Where in it.
    public let place: Place

    /// Names a site.
    public init(_ place: Place, block: Int) { (self.place, self.block) = (place, block) }

    /// By block, then by place.
    public static func < (left: Site, right: Site) -> Bool {
        (left.block, left.place) < (right.block, right.place)
    }
}

extension Site: CustomStringConvertible {
    /// Block and place, `3.q`.
    public var description: String { place == .pooled ? "pooled" : "\(block).\(place.rawValue)" }

    /// The site of a block's place by its ``description``; nil where the name is none.
    public init?(name: some StringProtocol) {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let block = Int(parts[0]), block >= 0, let place = Place(rawValue: String(parts[1])),
            place != .pooled
        else { return nil }
        self.init(place, block: block)
    }
}

extension TransformerConfiguration {
    /// Channels of what an adapter at a site may read and of what it adds to.
    public func channels(at site: Site) -> (inputs: Int, outputs: Int) {
        switch site.place {
        case .query: (width, attention.width)
        case .key, .value: (width, attention.keyValueWidth)
        case .attentionProjection: (attention.width, width)
        case .gate, .up: (width, feedForwardWidth)
        case .down: (feedForwardWidth, width)
        case .embeddings, .attention, .feedForward, .block, .pooled: (width, width)
        }
    }

    /// Whether there is such a site.
    public func has(_ site: Site) -> Bool {
        switch site.place {
        case .pooled: family == .bert && site.block == blocks
        case .embeddings: site.block == 0
        case .gate: family == .llama && (0..<blocks).contains(site.block)
        default: (0..<blocks).contains(site.block)
        }
    }
}
