public import Adapters
import Crypto
import Problem
import Zstd

/// Turns adapters of one base and recipe into frames and back: one user's bytes in a pack.
///
/// | offset | size | type | meaning |
/// |---|---|---|---|
/// | 0 | 1 | u8 | form, see below; readers refuse one they do not know |
/// | 1 | 4 | bytes | seal: the first of SHA-256(base digest, recipe digest, u32 width, form, body) |
/// | 5 | … | bytes | body |
///
/// | form | body |
/// |---|---|
/// | 1, rows | f32 scale, f32 bias, bitmap of kept rows, an i8 for each |
/// | 2, coefficients | bf16 scale, bf16 bias, an i8 for each direction of the recipe's basis |
/// | 3, coefficients | the same with an i4 for each, two a byte, lowest first; the last half is zero where their number is odd |
/// | 4, full | f32 bias, an f16 for each weight |
/// | 5, full | f32 bias, an f32 for each weight |
/// | 6, sparse | a ``SparseUserDelta``, inside the encoder, of the shape that the recipe states |
///
/// Numbers are little-endian, integers in two's complement, the least of them unused. Base and recipe are not written into
/// every frame: the seal binds it to them, so that a frame that is read as another recipe's is refused.
///
/// Frames of the first version are zstd frames, which begin with another byte (28 B5 2F FD), of an ``AdapterFile``; their
/// dictionary is the file of the adapter that keeps every row, all of them zero. They are still read.
public struct AdapterFrameCoder: ~Copyable {
    /// No adapter of a head expands to more.
    static let fileByteLimit = 8 << 20
    /// Bytes before the body.
    static let prefixByteCount = 5

    private let provenance: AdapterProvenance
    private let width: Int
    private let space: DeltaSpace
    /// What every seal begins with.
    private var sealing = SHA256()
    /// Made when the first frame of the first version is met.
    private var expander: Expander?

    /// A coder for adapters of one provenance and `width` features.
    ///
    /// - Parameter space: the recipe's, which frames are read in; they are written without it.
    public init(provenance: AdapterProvenance, width: Int, space: DeltaSpace = .head(basis: nil)) {
        self.provenance = provenance
        self.width = width
        self.space = space
        sealing.update(data: provenance.digestBytes)
        sealing.update(data: UInt32(width).littleEndianBytes)
    }

    /// One frame of a head.
    public mutating func encode(_ delta: HeadDelta) -> [UInt8] { encode(.head(delta)) }

    /// One frame.
    public mutating func encode(_ delta: UserDelta) -> [UInt8] {
        precondition(delta.width == width, "a delta of \(delta.width) features in a pack of \(width)")
        let (form, body) = FrameBody.bytes(of: delta)
        return [form.rawValue] + seal(form.rawValue, body[...]) + body
    }

    /// The adapter in a frame, whose SHA-256 the caller has checked.
    ///
    /// - Throws: `adapter_malformed`, `payload_newer`; `provenance_mismatch` when the frame was made for another base,
    ///   recipe or width (invariant I6); of frames of the first version what ``AdapterFile/init(decoding:at:)`` and the
    ///   zstd reader refuse, `base_mismatch` and `recipe_mismatch`.
    public mutating func decode(_ frame: [UInt8], at location: String) throws -> UserDelta {
        if frame.first == 0x28 { return .head(try decodeFirstVersion(frame, at: location)) }
        guard frame.count > Self.prefixByteCount else {
            throw Problem(
                "adapter_malformed", at: location, "a frame of \(frame.count) bytes holds nothing.",
                do: "fetch it again; if it stays so, adapt the user anew.")
        }
        let body = frame[Self.prefixByteCount...]
        guard seal(frame[0], body) == Array(frame[1..<Self.prefixByteCount]) else {
            throw Problem(
                "provenance_mismatch", at: location,
                "its seal is not that of base \(provenance.baseDigest.prefix(8))…, recipe "
                    + "\(provenance.recipeDigest.prefix(8))… and \(width) features.",
                do: "pull the revision under its own base and recipe; if it was, restore the object from a copy.")
        }
        guard let form = FrameForm(rawValue: frame[0]) else {
            throw Problem(
                "payload_newer", at: location, "a frame of form \(frame[0]), which this attune does not know.",
                do: "install the newer attune; nothing was changed.")
        }
        return try FrameBody.delta(form, body, width: width, in: space, at: location)
    }

    private func seal(_ form: UInt8, _ body: ArraySlice<UInt8>) -> [UInt8] {
        var hash = sealing
        hash.update(data: [form])
        hash.update(data: body)
        return Array(hash.finalize().prefix(4))
    }

    private mutating func decodeFirstVersion(_ frame: [UInt8], at location: String) throws -> HeadDelta {
        if expander == nil { expander = Expander(dictionary: Self.dictionary(provenance, width)) }
        let content = try expander?.expand(frame, limit: Self.fileByteLimit, at: location) ?? []
        let file = try AdapterFile(decoding: content, at: location)
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
        guard file.delta.width == width else {
            throw Problem(
                "adapter_malformed", at: location, "it is for \(file.delta.width) features, not \(width).",
                do: "fetch it again; if it stays so, adapt the user anew.")
        }
        return file.delta
    }

    /// What compressor and reader of the first version both made from a revision's row.
    static func dictionary(_ provenance: AdapterProvenance, _ width: Int) -> [UInt8] {
        let zeros = [Float](repeating: 0, count: width)
        guard let delta = RowDelta(quantizing: zeros, keeping: Array(0..<width), bias: 0) else {
            preconditionFailure("zeros are finite")
        }
        return AdapterFile(delta: .rows(delta), provenance: provenance).encoded()
    }
}
