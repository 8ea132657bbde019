import Model
import Problem
import Synchronization
import Tensor
import Testing

@Suite struct EncoderTests {
    static let texts = [
        "sea", "", "war and love.", "lovely sea a a a.", "a", "love love love love love love love love love",
    ]

    @Test("features equal the encoder's equations written naively, one text at a time")
    func agreesWithEquations() throws {
        let base = try TinyBase()
        let encoder = try TextEncoder(try BaseFolder.open(base.path))
        let features = try encoder.pooled(Self.texts)
        for (row, text) in Self.texts.enumerated() {
            let exact = NaiveEncoder(weights: base.weights).feature(encoder.tokens(text))
            for (value, exact) in zip(features.row(row), exact) { #expect(abs(value - exact) < 1e-5) }
        }
    }

    @Test("weights saved under the prefix of a model with a head give the same features, and another digest")
    func prefix() throws {
        let (plain, prefixed) = (try TinyBase(), try TinyBase(prefix: "bert."))
        let (first, second) = (try BaseFolder.open(plain.path), try BaseFolder.open(prefixed.path))
        #expect(first.digest != second.digest)
        #expect(try TextEncoder(first).pooled(Self.texts) == TextEncoder(second).pooled(Self.texts))
    }

    @Test("how texts fall into batches does not change their features", arguments: [16, 17, 31, 64, 4096])
    func batches(batchTokens: Int) throws {
        let base = try TinyBase()
        let folder = try BaseFolder.open(base.path)
        let texts = (0..<50).map { Self.texts[($0 * 7) % Self.texts.count] }
        let whole = try TextEncoder(folder).pooled(texts)
        let split = try TextEncoder(folder, batchTokens: batchTokens).pooled(texts)
        for (one, other) in zip(whole.values, split.values) { #expect(abs(one - other) < 1e-5) }
    }

    @Test("texts are cut at the encoder's limit, which is part of what a cached feature is")
    func limit() throws {
        let base = try TinyBase()
        let folder = try BaseFolder.open(base.path)
        let (short, long) = (try TextEncoder(folder, maximumTokens: 4), try TextEncoder(folder))
        #expect(short.tokens(Self.texts[5]).count == 4)
        #expect(long.tokens(Self.texts[5]).count == 11)
        #expect(try short.pooled(["sea sea"]) == long.pooled(["sea sea"]))
        let cache = FeatureCache(byteLimit: 1 << 20)
        let cached = CachedEncoder(encoder: short, cache: cache)
        #expect(cached.space != CachedEncoder(encoder: long, cache: cache).space)
    }

    @Test("no texts give no rows")
    func none() throws {
        let base = try TinyBase()
        let features = try TextEncoder(try BaseFolder.open(base.path)).pooled([])
        #expect(features.rows == 0 && features.columns == TinyBase.width)
    }

    @Test("many threads share one encoder and get what one thread gets")
    func threads() async throws {
        let base = try TinyBase()
        let encoder = try TextEncoder(try BaseFolder.open(base.path), batchTokens: 16)
        let expected = try encoder.pooled(Self.texts)
        try await withThrowingTaskGroup(of: Matrix.self) { group in
            for _ in 0..<64 { group.addTask { try encoder.pooled(Self.texts) } }
            for try await features in group { #expect(features == expected) }
        }
    }

    @Test("weights that are not finite are told, not spread into adapters")
    func notFinite() throws {
        let base = try TinyBase()
        var bytes = try base.bytes("model.safetensors")
        for index in bytes.indices.suffix(4 * 8) { bytes[index] = 0xFF }
        try base.write(bytes, "model.safetensors")
        let encoder = try TextEncoder(try BaseFolder.open(base.path))
        let problem = try #require(throws: Problem.self) { try encoder.pooled(TinyBase.words) }
        #expect(problem.errorClass == "feature_not_finite")
    }
}

/// The encoder as its equations read, over the reference kernels.
struct NaiveEncoder {
    let weights: [String: Matrix]

    private func weight(_ name: String) -> Matrix { weights[name] ?? Matrix(rows: 0, columns: 0) }

    private func linear(_ x: Matrix, _ name: String) -> Matrix {
        var y = Reference.productTransposed(x, weight("\(name).weight"))
        for row in 0..<y.rows { for column in 0..<y.columns { y[row, column] += weight("\(name).bias")[0, column] } }
        return y
    }

    private func normalize(_ x: Matrix, _ other: Matrix, _ name: String) -> Matrix {
        let (gain, shift) = (weight("\(name).weight").values, weight("\(name).bias").values)
        return Matrix(
            rows: x.rows, columns: x.columns,
            values: (0..<x.rows).flatMap { row in
                Reference.layerNorm(
                    zip(x.row(row), other.row(row)).map(+), gain: gain, shift: shift, epsilon: 1e-12)
            })
    }

    private func embedded(_ tokens: [Int32]) -> Matrix {
        let zeros = Matrix(rows: tokens.count, columns: TinyBase.width)
        var sum = zeros
        for (position, token) in tokens.enumerated() {
            for column in 0..<TinyBase.width {
                sum[position, column] =
                    weight("embeddings.word_embeddings.weight")[Int(token), column]
                    + weight("embeddings.position_embeddings.weight")[position, column]
                    + weight("embeddings.token_type_embeddings.weight")[0, column]
            }
        }
        return normalize(sum, zeros, "embeddings.LayerNorm")
    }

    func feature(_ tokens: [Int32]) -> [Float] {
        var hidden = embedded(tokens)
        for index in 0..<TinyBase.blocks {
            let block = "encoder.layer.\(index)"
            let parts = ["query", "key", "value"].map { linear(hidden, "\(block).attention.self.\($0)") }
            let projections = Matrix(
                rows: tokens.count, columns: 3 * TinyBase.width,
                values: (0..<tokens.count).flatMap { row in parts.flatMap { $0.row(row) } })
            let context = Reference.selfAttention(
                projections,
                AttentionShape(
                    heads: TinyBase.heads, keyValueHeads: TinyBase.heads,
                    headWidth: TinyBase.width / TinyBase.heads, isCausal: false))
            hidden = normalize(
                hidden, linear(context, "\(block).attention.output.dense"), "\(block).attention.output.LayerNorm")
            var inner = linear(hidden, "\(block).intermediate.dense")
            inner.values = inner.values.map(Reference.gelu)
            hidden = normalize(hidden, linear(inner, "\(block).output.dense"), "\(block).output.LayerNorm")
        }
        let means = (0..<hidden.columns).map { column in
            (0..<hidden.rows).reduce(0) { $0 + Double(hidden[$1, column]) } / Double(hidden.rows)
        }
        let length = means.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return means.map { Float($0 / length) }
    }
}
