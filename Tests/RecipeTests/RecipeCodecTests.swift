import Adapters
import Meta
import Model
import Problem
import Recipe
import Safetensors
import Tensor
import Testing

@Suite struct RecipeCodecTests {
    static func recipe(width: Int = 12, isDense: Bool = true, hasBasis: Bool = false, hasItems: Bool = false) -> Recipe
    {
        var random = RandomSource(seed: 1)
        func normals(_ count: Int) -> [Float] { (0..<count).map { _ in Float(random.normal()) } }
        return Recipe(
            name: "taste \"v1\"", baseDigest: String(repeating: "ab", count: 32),
            rule: PreconditionedRule(
                start: LinearHead(weights: normals(width), bias: 0.5),
                preconditioner: isDense
                    ? .dense(Matrix(rows: width, columns: width, values: normals(width * width))) : .isotropic(2.5),
                steps: [
                    StepParameters(logRate: -0.2, logBiasRate: -2, decayLogit: -4),
                    StepParameters(logRate: -1.2, logBiasRate: -3, decayLogit: -5),
                ], supportExponent: 0.45),
            headWithoutData: LinearHead(weights: normals(width), bias: -0.25),
            basis: hasBasis
                ? HeadBasis(
                    directions: Matrix(rows: 5, columns: width, values: normals(5 * width)),
                    projector: Matrix(rows: 5, columns: width, values: normals(5 * width)),
                    meanFeature: normals(width), precision: isDense ? .int8 : .int4) : nil,
            items: hasItems ? items(normals(4 * 3)) : nil,
            settings: AdaptationSettings(
                steps: 2, rowBudget: 8, maximumExamples: 64, scale: 0.5,
                guarding: GuardSettings(smallSupportGain: 0.003)),
            validation: ValidationFigures(
                users: 75, rows: [.init(steps: 1, support: 8, areaUnderCurve: 0.6342, logLoss: 0.6655)]))
    }

    private static func items(_ values: [Float]) -> ItemVectors {
        ItemVectors(
            digests: (0..<values.count / 3).map { TextDigest(of: "text \($0)") }.sorted(),
            vectors: Matrix(rows: values.count / 3, columns: 3, values: values)
        ).scaled(by: 1)
    }

    /// The file with one metadata entry replaced.
    private func edited(_ key: String, _ value: String?, hasBasis: Bool = false) throws -> [UInt8] {
        let file = try SafetensorsFile(Self.recipe(hasBasis: hasBasis).encode(), name: "r")
        var metadata = file.metadata
        metadata[key] = value
        var writer = SafetensorsWriter(metadata: metadata)
        for tensor in file.tensors {
            writer.add(
                tensor.name, type: tensor.elementType, shape: tensor.shape, bytes: try file.bytes(of: tensor.name))
        }
        return writer.encoded()
    }

    private func errorClass(_ bytes: [UInt8]) -> String? {
        do {
            _ = try Recipe(decoding: bytes, at: "r")
            return nil
        } catch let problem as Problem { return problem.errorClass } catch { return "\(error)" }
    }

    @Test(
        "a recipe reads back equal, and the same recipe gives the same bytes", arguments: [true, false],
        [(false, false), (true, false), (true, true)])
    func roundTrips(isDense: Bool, has: (basis: Bool, items: Bool)) throws {
        let recipe = Self.recipe(isDense: isDense, hasBasis: has.basis, hasItems: has.items)
        let bytes = try recipe.encode()
        #expect(try Recipe(decoding: bytes, at: "r") == recipe)
        #expect(try Recipe(decoding: bytes, at: "r").encode() == bytes)
        // An older attune goes on reading recipes that have nothing it does not know.
        let version = has.items ? "3" : has.basis ? "2" : "1"
        #expect(try SafetensorsFile(bytes, name: "r").metadata["version"] == version)
    }

    @Test("the digest is SHA-256 in hex, with leading zeros")
    func digest() {
        #expect(
            Recipe.digest(of: Array("abc".utf8))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test("a newer format, another file and a damaged one are refused by name")
    func refuses() throws {
        let bytes = try Self.recipe().encode()
        #expect(errorClass(bytes) == nil)
        #expect(errorClass(try edited("version", "5")) == "recipe_newer")
        #expect(errorClass(try edited("coefficients", "int2", hasBasis: true)) == "recipe_newer")
        #expect(errorClass(try edited("coefficients", nil, hasBasis: true)) == "recipe_malformed")
        #expect(errorClass(try edited("coefficients", "int8")) == "tensor_missing")
        #expect(errorClass(try edited("gate", "learned")) == "recipe_newer")
        #expect(errorClass(try edited("version", "0")) == "recipe_malformed")
        #expect(errorClass(try edited("format", "other")) == "recipe_malformed")
        #expect(errorClass(try edited("settings", nil)) == "recipe_malformed")
        #expect(errorClass(try edited("validation", "{")) == "recipe_malformed")
        let settings = { (changed: String) in
            "{\"guarding\":null,\"maximumExamples\":64,\"rowBudget\":8,\"scale\":0.5,\"steps\":2,\(changed)}"
        }
        #expect(
            errorClass(try edited("settings", "{\"maximumExamples\":64,\"rowBudget\":8,\"scale\":0.5,\"steps\":2}"))
                == nil)
        #expect(
            errorClass(try edited("settings", settings("\"x\":1").replacing("\"steps\":2", with: "\"steps\":3")))
                == "recipe_malformed")
        #expect(
            errorClass(
                try edited("settings", settings("\"x\":1").replacing("\"rowBudget\":8", with: "\"rowBudget\":13")))
                == "recipe_malformed")
        #expect(errorClass(Array(bytes.dropLast(5))) == "file_truncated")
    }

    @Test(
        "a recipe without its side features is what it makes of the texts alone; copies leave other recipes' vectors out"
    )
    func textOnly() throws {
        let recipe = Self.recipe(hasBasis: true, hasItems: true)
        #expect(recipe.width == 12 && recipe.baseWidth == 9)
        let text = recipe.textOnly
        #expect(text.width == 9 && text.items == nil && text.basis == nil && text.textOnly == text)
        #expect(text.headWithoutData.weights == Array(recipe.headWithoutData.weights.prefix(9)))
        #expect(text.settings.rowBudget == 8)

        let delta = HeadDelta.full(try #require(FullDelta((1...12).map(Float.init), bias: 0.5)))
        #expect(recipe.carried(delta, from: recipe) == delta)
        let other = Self.recipe()
        #expect(recipe.carried(delta, from: other) == nil, "of 12 features of a text")
        let short = HeadDelta.full(try #require(FullDelta((1...9).map(Float.init), bias: 0.5)))
        #expect(recipe.carried(short, from: text)?.dense().weights == (1...9).map(Float.init) + [0, 0, 0])
        #expect(text.carried(delta, from: recipe)?.dense().weights == (1...9).map(Float.init))
        var trainedAgain = recipe
        trainedAgain.items = recipe.items?.scaled(by: 2)
        let carried = try #require(trainedAgain.carried(delta, from: recipe)).dense()
        #expect(carried.weights == (1...9).map(Float.init) + [0, 0, 0] && carried.bias == 0.5)
    }

    @Test("a recipe of another base is refused, naming both")
    func checksTheBase() throws {
        let recipe = Self.recipe()
        try recipe.check(baseDigest: recipe.baseDigest, at: "acme/u-1")
        do {
            try recipe.check(baseDigest: "41aa00000000", at: "acme/u-1")
            Issue.record("accepted")
        } catch {
            #expect(error.errorClass == "base_mismatch")
            #expect(error.reason.contains("abababab") && error.reason.contains("41aa0000"))
        }
    }

    @Test("a user without an adapter is served by the head without data")
    func servesTheHead() throws {
        let recipe = Self.recipe()
        #expect(recipe.head(of: nil) == recipe.headWithoutData)
        #expect(recipe.head(of: .zero(width: recipe.width)) == recipe.publishedStart)
    }
}
