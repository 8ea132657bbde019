public import Adapters
import Problem
import Safetensors

/// What an adapter was made for and with: it fits nothing else (invariant I6).
public struct AdapterProvenance: Sendable, Hashable {
    /// Hex SHA-256 of the base.
    public let baseDigest: String
    /// Hex SHA-256 of the recipe file.
    public let recipeDigest: String

    /// Pairs the two digests, each 64 hexadecimal digits.
    public init(baseDigest: String, recipeDigest: String) {
        self.baseDigest = baseDigest
        self.recipeDigest = recipeDigest
    }
}

/// One user's adapter as a plain safetensors file.
///
/// | tensor | dtype | shape | meaning |
/// |---|---|---|---|
/// | `head.weights` | F32 or F16 | `[width]` | kind `head_full`: the difference to the start's weights |
/// | `head.kept_rows` | U8 | `[ceil(width / 8)]` | kind `head_delta`: bitmap of stored rows, row `i` is bit `i % 8` (lowest first) of byte `i / 8` |
/// | `head.values` | I8 | `[kept]` | likewise: one value per kept row, ascending |
/// | `head.scale` | F32 | `[1]` | likewise: what one step of `values` is worth |
/// | `head.bias` | F32 | `[1]` | difference to the start's bias |
/// | `start.weights` | F32 | `[width]` | the recipe's start head; only in files made for people, never in frames |
/// | `start.bias` | F32 | `[1]` | likewise |
///
/// Metadata: `format` (`attune.adapter`), `version` (readers refuse a newer one), `kind`, `width`, `base`, `recipe`. Rows are
/// written as version 1, which has no other kind; coefficients in a recipe's basis are written in full.
/// With features `x` of unit norm the user's score is
/// `sigmoid(x · (start.weights + unpack(head)) + start.bias + head.bias)`.
public struct AdapterFile: Sendable, Equatable {
    /// The newest version this code reads.
    public static let version = 2

    /// The difference to the start.
    public let delta: HeadDelta
    /// What it fits.
    public let provenance: AdapterProvenance
    /// The recipe's start head, where the file carries it.
    public let start: LinearHead?

    /// Describes a file to be written.
    public init(delta: HeadDelta, provenance: AdapterProvenance, start: LinearHead? = nil) {
        self.delta = delta
        self.provenance = provenance
        self.start = start
    }

    /// The bytes; the same adapter gives the same bytes.
    public func encoded() -> [UInt8] {
        var metadata = [
            "format": "attune.adapter", "version": "2", "kind": "head_full",
            "width": String(delta.width), "base": provenance.baseDigest, "recipe": provenance.recipeDigest,
        ]
        if case .rows = delta { metadata.merge(["version": "1", "kind": "head_delta"]) { $1 } }
        var writer = SafetensorsWriter(metadata: metadata)
        switch delta {
        case .rows(let rows):
            writer.add("head.kept_rows", shape: [rows.keptRows.count], uint8s: rows.keptRows)
            writer.add("head.values", shape: [rows.values.count], int8s: rows.values)
            writer.add("head.scale", shape: [1], floats: [rows.scale])
        case .full(let full) where full.precision == .float16:
            writer.add(
                "head.weights", type: .float16, shape: [full.weights.count],
                bytes: full.weights.flatMap { Float16($0).bitPattern.littleEndianBytes })
        case .full, .coefficients: writer.add("head.weights", shape: [delta.width], floats: delta.dense().weights)
        }
        writer.add("head.bias", shape: [1], floats: [delta.dense().bias])
        if let start {
            writer.add("start.weights", shape: [start.width], floats: start.weights)
            writer.add("start.bias", shape: [1], floats: [start.bias])
        }
        return writer.encoded()
    }

    /// Reads bytes that may come from anywhere.
    ///
    /// - Parameter location: the file or object, for errors.
    /// - Throws: `adapter_malformed`, `payload_newer`, and what the safetensors reader refuses.
    public init(decoding bytes: [UInt8], at location: String) throws {
        let file = try SafetensorsFile(bytes, name: location)
        func malformed(_ reason: String) -> Problem {
            Problem(
                "adapter_malformed", at: location, reason, do: "fetch it again; if it stays so, adapt the user anew.")
        }
        guard file.metadata["format"] == "attune.adapter",
            let version = file.metadata["version"].flatMap({ Int($0) }), version > 0
        else { throw malformed("the metadata does not say format attune.adapter and a version.") }
        guard version <= Self.version else {
            throw Problem(
                "payload_newer", at: location, "adapter version \(version), this attune reads up to \(Self.version).",
                do: "install the newer attune; nothing was changed.")
        }
        let kind = file.metadata["kind"]
        guard kind == "head_delta" || (kind == "head_full" && version > 1),
            let width = file.metadata["width"].flatMap({ Int($0) }), (1...1_000_000).contains(width)
        else { throw malformed("kind or width is not what version \(version) has.") }
        guard let base = file.metadata["base"], let recipe = file.metadata["recipe"], Self.isDigest(base),
            Self.isDigest(recipe)
        else { throw malformed("base or recipe digest is missing.") }
        provenance = AdapterProvenance(baseDigest: base, recipeDigest: recipe)
        let bias = try file.floats(of: "head.bias", shape: [1])[0]
        if kind == "head_delta" {
            delta = .rows(
                try RowDelta(
                    width: width, keptRows: try file.uint8s(of: "head.kept_rows"),
                    values: try file.int8s(of: "head.values"),
                    scale: try file.floats(of: "head.scale", shape: [1])[0], bias: bias, at: location))
        } else {
            let isHalf = try file.description(of: "head.weights").elementType == .float16
            delta = .full(
                try FullDelta(
                    reading: try file.floats(of: "head.weights", shape: [width]), bias: bias,
                    precision: isHalf ? .float16 : .float32, at: location))
        }
        if file.contains("start.weights") {
            let head = LinearHead(
                weights: try file.floats(of: "start.weights", shape: [width]),
                bias: try file.floats(of: "start.bias", shape: [1])[0])
            guard head.isFinite else { throw malformed("the start has a number that is not finite.") }
            start = head
        } else {
            start = nil
        }
    }

    private static func isDigest(_ text: String) -> Bool {
        text.utf8.count == 64 && text.utf8.allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
    }
}
