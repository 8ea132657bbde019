import Adapters
import Foundation
import Meta
import Model
import Problem
import Recipe
import Safetensors
import Tensor
import Testing

/// The part of a recipe inside the encoder, in its file and in a base.
@Suite struct SparsePartTests {
    private static let transformer = Result {
        try Transformer(
            BaseFolder.open(
                URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                    .appending(path: "AdaptersTests/Fixtures/tiny-bert").path))
    }

    /// A recipe inside the tiny encoder, of 30 entries kept by row or by entry.
    static func recipe(budget: Int? = 6, groups: EntryGroups? = nil) throws -> Recipe {
        let shape = try transformer.get().configuration
        var recipe = RecipeCodecTests.recipe(width: shape.width)
        var random = RandomSource(seed: 5)
        let support = SparseSupport(
            inputs: shape.width, outputs: shape.width, rows: (0..<30).map { Int32($0 / 4) },
            columns: (0..<30).map { Int32($0 % 4) }, scales: (0..<30).map { _ in Float(random.normal()) })
        let site = Site(.feedForward, block: shape.blocks - 1)
        let plan = AdapterPlan(shape, [site: SparseDelta(support)], head: .binary)
        let groups = groups ?? .single(30)
        recipe.sparse = SparsePart(
            EncoderRule(
                plan, start: (0..<plan.parameterCount).map { _ in Float(random.normal()) },
                logRates: [[-1, -2, -3], [-1.5, -2.5, -3.5], [0, 0.5, 1]], supportExponent: 0.25,
                preconditioner: recipe.rule.preconditioner, entryBudget: budget),
            SparseStorage(groups: groups, keptGroups: groups.count / 2, entries: .int4))
        recipe.settings.steps = 3
        return recipe
    }

    @Test("a recipe inside the encoder reads back equal as version 4, whatever its groups and budget")
    func roundTrips() throws {
        let rows = EntryGroups(count: 3, groupOfEntry: (0..<30).map { $0 / 10 })
        for recipe in [try Self.recipe(), try Self.recipe(budget: nil, groups: rows)] {
            let bytes = try recipe.encode()
            let read = try Recipe(decoding: bytes, at: "r")
            #expect(read == recipe)
            #expect(try read.encode() == bytes)
            #expect(try SafetensorsFile(bytes, name: "r").metadata["version"] == "4")
            let shape = try #require(recipe.sparse).shape
            #expect(read.kind == .sparseEncoder && read.deltaSpace == .sparse(shape))
        }
    }

    private func errorClass(_ bytes: [UInt8]) -> String? {
        do {
            _ = try Recipe(decoding: bytes, at: "r")
            return nil
        } catch { return (error as? any ProblemConvertible)?.problem.errorClass ?? "\(error)" }
    }

    /// The file with the metadata or one tensor changed; a tensor of no bytes is left out.
    private func edited(
        _ replace: (from: String, to: String)? = nil, _ tensor: String = "",
        _ change: (inout [UInt8]) -> Void = { _ in }
    ) throws -> [UInt8] {
        let file = try SafetensorsFile(Self.recipe().encode(), name: "r")
        var metadata = file.metadata
        if let replace {
            let stated = try #require(metadata["sparse"])
            #expect(stated.contains(replace.from))
            metadata["sparse"] = stated.replacing(replace.from, with: replace.to)
        }
        var writer = SafetensorsWriter(metadata: metadata)
        for own in file.tensors {
            var bytes = try file.bytes(of: own.name)
            if own.name == tensor { change(&bytes) }
            if !bytes.isEmpty { writer.add(own.name, type: own.elementType, shape: own.shape, bytes: bytes) }
        }
        return writer.encoded()
    }

    @Test("numbers that a reader would trip over are refused by name")
    func refuses() throws {
        #expect(errorClass(try edited()) == nil)
        for (from, to, problem) in [
            ("\"entryBits\":4", "\"entryBits\":3", "recipe_newer"),
            ("\"groups\":30", "\"groups\":31", "recipe_malformed"),
            ("\"groups\":30", "\"groups\":29", "recipe_malformed"),
            ("\"groups\":30", "\"groups\":0", "recipe_malformed"),
            ("\"keptGroups\":15", "\"keptGroups\":31", "recipe_malformed"),
            ("\"keptGroups\":15", "\"keptGroups\":-1", "recipe_malformed"),
            ("\"entryBudget\":6", "\"entryBudget\":31", "recipe_malformed"),
            ("feed_forward", "nowhere", "recipe_malformed"), ("\"inputs\":", "\"inputs\":99999999", "recipe_malformed"),
            ("\"inputs\":", "\"inputs\":-", "recipe_malformed"), ("{", "[", "recipe_malformed"),
        ] { #expect(errorClass(try edited((from, to))) == problem, "\(to)") }
        func set(_ word: UInt32, at index: Int) -> (inout [UInt8]) -> Void {
            { bytes in
                for byte in 0..<4 { bytes[4 * index + byte] = UInt8(truncatingIfNeeded: word >> UInt32(8 * byte)) }
            }
        }
        for (tensor, word) in [
            ("sparse.rows", UInt32.max), ("sparse.rows", 1 << 20), ("sparse.columns", UInt32.max),
            ("sparse.groups", 30),
            ("sparse.scales", Float.nan.bitPattern), ("sparse.start", Float.infinity.bitPattern),
            ("sparse.log_rates", Float.nan.bitPattern), ("sparse.support_exponent", Float.nan.bitPattern),
        ] {
            #expect(errorClass(try edited(nil, tensor, set(word, at: 0))) == "recipe_malformed", "\(tensor) \(word)")
        }
        // An entry twice, or out of order, has two spellings.
        #expect(errorClass(try edited(nil, "sparse.columns", set(0, at: 1))) == "recipe_malformed")
        #expect(errorClass(try edited(nil, "sparse.groups") { $0 = [] }) == "tensor_missing")
        var recipe = try Self.recipe()
        recipe.settings.steps = 2
        #expect(errorClass(try recipe.encode()) == "recipe_malformed")
    }

    @Test("a part fits the base that it was learned in and is refused by another, naming both")
    func fits() throws {
        let recipe = try Self.recipe()
        let (part, shape) = (try #require(recipe.sparse), try Self.transformer.get().configuration)
        let rule = try part.rule(in: recipe, for: shape, at: "r")
        #expect(rule.rule.start == part.start && rule.rule.logRates == part.logRates && rule.shape == part.shape)
        #expect(SparsePart(rule.rule, part.storage) == part)
        let other = try TransformerConfiguration(
            json: Array(
                """
                {"model_type": "bert", "hidden_size": 48, "num_hidden_layers": 1, "num_attention_heads": 4,
                 "intermediate_size": 64, "vocab_size": 90, "max_position_embeddings": 32, "type_vocab_size": 2,
                 "layer_norm_eps": 1e-12, "hidden_act": "gelu"}
                """.utf8), file: "config.json")
        let problem = try #require(throws: Problem.self) { try part.rule(in: recipe, for: other, at: "r") }
        #expect(problem.errorClass == "base_mismatch" && problem.reason.contains("\(part.site)"))
    }
}
