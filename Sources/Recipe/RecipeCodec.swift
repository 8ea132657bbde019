import Adapters
import Crypto
import Foundation
import Gate
import Meta
import Problem
import Safetensors
import Tensor

/// A recipe as one safetensors file; the same recipe gives the same bytes.
///
/// | tensor | type and shape | meaning |
/// |---|---|---|
/// | `start.weights`, `start.bias` | F32 `[width]`, `[1]` | the rule's start |
/// | `preconditioner` | F32 `[width, width]` or `[1]` | `P`, or the scale of an isotropic one |
/// | `steps` | F32 `[steps, 3]` | log rate, log bias rate, decay logit |
/// | `support_exponent` | F32 `[1]` | power of the support size |
/// | `without_data.weights`, `without_data.bias` | F32 `[width]`, `[1]` | the head of users without an adapter |
/// | `basis.directions`, `basis.projector` | F32 `[count, width]` | `V` and `F` of ``HeadBasis``; only where there is one |
/// | `basis.mean_feature` | F32 `[width]` | `m` of it |
/// | `items.digests` | U8 `[texts, 16]` | which texts ``ItemVectors`` has, ascending; only where there are any |
/// | `items.vectors` | F16 `[texts, count]` | their vectors: the last `count` of a text's `width` features |
/// | `sparse.rows`, `sparse.columns`, `sparse.groups` | I32 `[entries]` | of ``SparsePart``: places, ascending, and groups |
/// | `sparse.scales` | F32 `[entries]` | what values are multiplied by |
/// | `sparse.start` | F32 `[entries + width + 1]` | values of the entries, the head's weights, its bias |
/// | `sparse.log_rates` | F32 `[steps, 3]` | of entries, weights and bias |
/// | `sparse.support_exponent` | F32 `[1]` | power of the support size |
///
/// Metadata: `format` (`attune-recipe`), `version` (a reader refuses one greater than 4), `name`, `base`, `gate` (how rows, or
/// groups of entries, are chosen: `magnitude`), `settings` and `validation` (JSON), with a basis `coefficients` (`int8` or `int4`),
/// and with a part inside the encoder `sparse` (JSON: `site`, its `inputs` and `outputs`, `groups`, `keptGroups`, `entryBits`,
/// `headBits`, `entryBudget`). A recipe is written as the oldest version that has what it has: 2 a basis, 3 item vectors, 4 a part
/// inside the encoder, beside which there is neither.
extension Recipe {
    private static let format = "attune-recipe"
    private static let newestVersion = 4

    /// What the file says that is no tensor.
    private struct Metadata {
        var settings: AdaptationSettings
        var validation: ValidationFigures
    }

    /// The bytes of the file.
    public func encode() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var metadata = [
            "format": Self.format, "version": "\(oldestVersion)", "name": name, "base": baseDigest,
            "gate": gate.name,
            "settings": String(decoding: try encoder.encode(settings), as: UTF8.self),
            "validation": String(decoding: try encoder.encode(validation), as: UTF8.self),
        ]
        metadata["coefficients"] = basis?.precision.rawValue
        metadata["sparse"] = try sparse?.metadata(encoder)
        var writer = SafetensorsWriter(metadata: metadata)
        Self.write(rule.start, as: "start", to: &writer)
        switch rule.preconditioner {
        case .isotropic(let scale): writer.add("preconditioner", shape: [1], floats: [scale])
        case .dense(let matrix): writer.add("preconditioner", shape: [width, width], floats: matrix.values)
        }
        writer.add(
            "steps", shape: [rule.steps.count, 3],
            floats: rule.steps.flatMap { [$0.logRate, $0.logBiasRate, $0.decayLogit] })
        writer.add("support_exponent", shape: [1], floats: [rule.supportExponent])
        Self.write(headWithoutData, as: "without_data", to: &writer)
        basis?.write(to: &writer)
        items?.write(to: &writer)
        sparse?.write(to: &writer)
        return writer.encoded()
    }

    /// The oldest version of the format that has what it has.
    private var oldestVersion: Int { sparse != nil ? 4 : items != nil ? 3 : basis != nil ? 2 : 1 }

    /// Reads and checks a file.
    ///
    /// - Parameters:
    ///   - bytes: all of it.
    ///   - location: the file or recipe, for errors.
    /// - Throws: `recipe_newer`, `recipe_malformed`, or what the safetensors reader refuses.
    public init(decoding bytes: [UInt8], at location: String) throws {
        let file = try SafetensorsFile(bytes, name: location)
        let metadata = try Self.metadata(of: file)
        let start = try Self.head("start", in: file)
        let steps = try file.floats(of: "steps")
        guard !steps.isEmpty, steps.count % 3 == 0 else { throw Self.malformed(location, "it has no steps.") }
        let rule = PreconditionedRule(
            start: start, preconditioner: try Self.preconditioner(in: file, width: start.width),
            steps: stride(from: 0, to: steps.count, by: 3).map {
                StepParameters(logRate: steps[$0], logBiasRate: steps[$0 + 1], decayLogit: steps[$0 + 2])
            }, supportExponent: try file.floats(of: "support_exponent", shape: [1])[0])
        let withoutData = try Self.head("without_data", in: file)
        guard withoutData.width == start.width else {
            throw Self.malformed(location, "its heads have \(start.width) and \(withoutData.width) weights.")
        }
        let basis = try HeadBasis(reading: file, width: start.width)
        let items = try ItemVectors(reading: file, width: start.width)
        let sparse = try SparsePart(reading: file, width: start.width)
        guard sparse == nil || (basis == nil && items == nil) else {
            throw Self.malformed(location, "it has a basis or item vectors beside a part inside the encoder.")
        }
        try Self.check(metadata.settings, of: rule, sparse, at: location)
        guard rule.supportExponent.isFinite, steps.allSatisfy({ $0.isFinite }) else {
            throw Self.malformed(location, "a step has a number that is not finite.")
        }
        self.init(
            name: file.metadata["name"] ?? "", baseDigest: file.metadata["base"] ?? "", rule: rule,
            headWithoutData: withoutData, basis: basis, items: items, sparse: sparse, settings: metadata.settings,
            validation: metadata.validation)
    }

    /// SHA-256 of a recipe's bytes in hex: what jobs, revisions and artifacts name it by.
    public static func digest(of bytes: [UInt8]) -> String {
        SHA256.hash(data: bytes).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }

    private static func write(_ head: LinearHead, as name: String, to writer: inout SafetensorsWriter) {
        writer.add("\(name).weights", shape: [head.width], floats: head.weights)
        writer.add("\(name).bias", shape: [1], floats: [head.bias])
    }

    private static func head(_ name: String, in file: SafetensorsFile) throws -> LinearHead {
        let head = LinearHead(
            weights: try file.floats(of: "\(name).weights"), bias: try file.floats(of: "\(name).bias", shape: [1])[0])
        guard head.width > 0, head.isFinite else {
            throw malformed(file.name, "the head \(name) is empty or has a number that is not finite.")
        }
        return head
    }

    private static func preconditioner(in file: SafetensorsFile, width: Int) throws -> Preconditioner {
        let values = try file.floats(of: "preconditioner")
        guard values.allSatisfy({ $0.isFinite }) else {
            throw malformed(file.name, "the preconditioner has a number that is not finite.")
        }
        if values.count == 1 && width > 1 { return .isotropic(values[0]) }
        guard values.count == width * width else {
            throw malformed(file.name, "the preconditioner has \(values.count) numbers, \(width)² are needed.")
        }
        return .dense(Matrix(rows: width, columns: width, values: values))
    }

    private static func metadata(of file: SafetensorsFile) throws -> Metadata {
        guard file.metadata["format"] == format, let version = file.metadata["version"].flatMap({ Int($0) }),
            version > 0
        else {
            throw malformed(file.name, "it is a safetensors file but no recipe.")
        }
        guard version <= newestVersion else {
            throw Problem(
                "recipe_newer", at: file.name, "recipe format \(version), this attune reads up to \(newestVersion).",
                do: "install a newer attune.")
        }
        let gate = file.metadata["gate"] ?? ""
        guard gate == MagnitudeGate().name else {
            throw Problem(
                "recipe_newer", at: file.name, "its rows are chosen by a gate called \(Problem.excerpt(gate)).",
                do: "install a newer attune.")
        }
        do {
            let decoder = JSONDecoder()
            return Metadata(
                settings: try decoder.decode(
                    AdaptationSettings.self, from: Data((file.metadata["settings"] ?? "").utf8)),
                validation: try decoder.decode(
                    ValidationFigures.self, from: Data((file.metadata["validation"] ?? "").utf8)))
        } catch {
            throw malformed(
                file.name, "its settings or figures do not read: \(Problem.excerpt("\(error)", limit: 400)).")
        }
    }

    private static func check(
        _ settings: AdaptationSettings, of rule: PreconditionedRule, _ sparse: SparsePart?, at location: String
    ) throws(Problem) {
        // Inside the encoder a budget is kept before the last step: all of them are taken or none.
        let allowed = sparse.map { $0.logRates.count...$0.logRates.count } ?? 1...rule.steps.count
        guard allowed.contains(settings.steps) else {
            throw malformed(location, "it asks for \(settings.steps) steps and has \(allowed.upperBound).")
        }
        guard (1...rule.width).contains(settings.rowBudget), settings.maximumExamples >= 1,
            (0...1).contains(settings.scale)
        else {
            throw malformed(
                location,
                "row budget \(settings.rowBudget), \(settings.maximumExamples) examples or scale "
                    + "\(settings.scale) is out of range.")
        }
    }

    static func malformed(_ location: String, _ reason: String) -> Problem {
        Problem("recipe_malformed", at: location, reason, do: "fetch it again, or meta-train it anew.")
    }
}
