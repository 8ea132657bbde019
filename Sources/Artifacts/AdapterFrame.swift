public import Adapters
import Problem
import Zstd

/// Turns adapters of one base and recipe into zstd frames and back.
///
/// All files of one provenance and width begin with nearly the same header. The file of the adapter that keeps every
/// row, all of them zero, is therefore the dictionary of every frame: reader and writer both make it from what the
/// revision's row says, and a frame holds little more than the user's own numbers. (The file of the empty adapter cost
/// 5 to 20 bytes more a frame, because the number of rows stands in the header twice.)
public struct AdapterFrameCoder: ~Copyable {
    /// No adapter of a head expands to more.
    static let fileByteLimit = 8 << 20

    private let provenance: AdapterProvenance
    private var compressor: Compressor
    private var expander: Expander

    /// A coder for adapters of one provenance and `width` features.
    public init(provenance: AdapterProvenance, width: Int) {
        self.provenance = provenance
        let dictionary = Self.dictionary(provenance, width)
        // The provenance of a frame comes out of the dictionary: without a checksum, a foreign one would forge it.
        compressor = Compressor(level: 3, checksum: true, dictionary: dictionary)
        expander = Expander(dictionary: dictionary)
    }

    private static func dictionary(_ provenance: AdapterProvenance, _ width: Int) -> [UInt8] {
        let zeros = [Float](repeating: 0, count: width)
        guard let delta = HeadDelta(quantizing: zeros, keeping: Array(0..<width), bias: 0) else {
            preconditionFailure("zeros are finite")
        }
        return AdapterFile(delta: delta, provenance: provenance).encoded()
    }

    /// One frame.
    public mutating func encode(_ delta: HeadDelta) -> [UInt8] {
        compressor.compress(AdapterFile(delta: delta, provenance: provenance).encoded())
    }

    /// The adapter in a frame, whose SHA-256 the caller has checked.
    ///
    /// - Throws: what ``AdapterFile/init(decoding:at:)`` and the zstd reader refuse, and `base_mismatch` or
    ///   `recipe_mismatch` when the file inside names another provenance (invariant I6).
    public mutating func decode(_ frame: [UInt8], at location: String) throws -> AdapterFile {
        let file = try AdapterFile(
            decoding: try expander.expand(frame, limit: Self.fileByteLimit, at: location), at: location)
        func mismatch(_ part: String, _ stored: String, _ expected: String) -> Problem {
            Problem(
                "\(part)_mismatch", at: location,
                "the adapter was made for \(part) \(stored), \(expected) is expected.",
                do: "pull the revision under its own \(part).")
        }
        guard file.provenance.baseDigest == provenance.baseDigest else {
            throw mismatch("base", file.provenance.baseDigest, provenance.baseDigest)
        }
        guard file.provenance.recipeDigest == provenance.recipeDigest else {
            throw mismatch("recipe", file.provenance.recipeDigest, provenance.recipeDigest)
        }
        return file
    }
}
