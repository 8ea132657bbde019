import Crypto
import FoundationEssentials

/// What identifies a text to the feature cache: the first 128 bits of the SHA-256 of its UTF-8 bytes.
public struct TextDigest: Sendable, Hashable {
    let high: UInt64
    let low: UInt64

    /// The digest of a text.
    public init(of text: String) { self.init(SHA256.hash(data: Data(text.utf8))) }

    /// The digest of a text's token ids, whatever text gave them.
    public init(tokens: [Int32]) {
        var bytes = Data(capacity: 4 * tokens.count)
        for token in tokens {
            for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: token >> Int32(shift))) }
        }
        self.init(SHA256.hash(data: bytes))
    }

    /// A digest that was stored: the first 16 of at least 16 bytes of a SHA-256; nil if there are fewer.
    public init?(sha256 bytes: [UInt8]) {
        guard bytes.count >= 16 else { return nil }
        self.init(bytes)
    }

    /// The 16 bytes, as ``init(sha256:)`` takes them.
    public var bytes: [UInt8] {
        [high, low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) } }
    }

    fileprivate init(_ bytes: some Sequence<UInt8>) {
        var (high, low): (UInt64, UInt64) = (0, 0)
        for (index, byte) in bytes.prefix(16).enumerated() {
            if index < 8 { high = high << 8 | UInt64(byte) } else { low = low << 8 | UInt64(byte) }
        }
        (self.high, self.low) = (high, low)
    }
}

extension TextDigest: Comparable {
    /// By the bytes, first to last.
    public static func < (left: TextDigest, right: TextDigest) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

/// A family of rows that belong together: one base at one site, or what one recipe makes of it.
///
/// Two spaces never share a row, so features of another base, or of texts cut elsewhere, cannot be taken for these.
public struct FeatureSpace: Sendable, Hashable {
    let digest: TextDigest

    /// - Parameters:
    ///   - baseDigest: the digest of the base.
    ///   - site: what the rows are, for example `pooled/512`, with the recipe's digest if they depend on it.
    public init(baseDigest: String, site: String) { digest = TextDigest(of: "\(baseDigest)\n\(site)") }
}

/// A row's place in the cache: its space and its text.
public struct FeatureKey: Sendable, Hashable {
    /// The space.
    public let space: FeatureSpace
    /// The text.
    public let text: TextDigest

    /// Pairs a space with a text.
    public init(_ space: FeatureSpace, _ text: TextDigest) {
        self.space = space
        self.text = text
    }

    /// Feeds 128 of the 256 bits, mixed: both parts are cryptographic already.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(space.digest.high ^ text.high)
        hasher.combine(space.digest.low ^ text.low)
    }
}
