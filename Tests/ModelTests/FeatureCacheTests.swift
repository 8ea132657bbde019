import Model
import Tensor
import Testing

@Suite struct FeatureCacheTests {
    private let space = FeatureSpace(baseDigest: "b", site: "pooled")

    private func key(_ text: String) -> FeatureKey { FeatureKey(space, TextDigest(of: text)) }

    /// A cache of one shard with room for `rows` rows of 4 values.
    private func cache(rows: Int) -> FeatureCache {
        let probe = FeatureCache(byteLimit: 1 << 20, shards: 1)
        probe.insert([1, 2, 3, 4], for: key("probe"))
        return FeatureCache(byteLimit: rows * probe.statistics.bytes, shards: 1)
    }

    @Test("a row comes back under its own base, site and text only")
    func lookup() {
        let cache = FeatureCache(byteLimit: 1 << 20)
        cache.insert([1, 2], for: key("a"))
        #expect(cache.row(key("a")) == [1, 2])
        #expect(cache.row(key("b")) == nil)
        #expect(cache.row(FeatureKey(FeatureSpace(baseDigest: "c", site: "pooled"), TextDigest(of: "a"))) == nil)
        #expect(cache.row(FeatureKey(FeatureSpace(baseDigest: "b", site: "other"), TextDigest(of: "a"))) == nil)
        #expect(cache.statistics.hits == 1 && cache.statistics.misses == 3)
    }

    @Test("the least recently used row goes when the bytes are spent")
    func eviction() {
        let cache = cache(rows: 3)
        for text in ["a", "b", "c"] { cache.insert([0, 0, 0, 0], for: key(text)) }
        _ = cache.row(key("a"))
        cache.insert([1, 1, 1, 1], for: key("d"))
        #expect(cache.row(key("b")) == nil)
        for text in ["a", "c", "d"] { #expect(cache.row(key(text)) != nil) }
        #expect(cache.statistics.evictions == 1 && cache.statistics.rows == 3)
    }

    @Test("a row too large for the cache is not kept and pushes nothing out")
    func tooLarge() {
        let cache = cache(rows: 2)
        cache.insert([0, 0, 0, 0], for: key("a"))
        cache.insert([Float](repeating: 1, count: 1000), for: key("b"))
        #expect(cache.row(key("a")) != nil && cache.row(key("b")) == nil)
    }

    @Test("any sequence of calls agrees with a list kept in order of use, and stays within its bytes", arguments: 0..<8)
    func agreesWithModel(seed: UInt64) {
        let limit = 7
        let cache = cache(rows: limit)
        var model: [(text: String, value: Float)] = []
        var random = RandomSource(seed: seed)
        for step in 0..<4_000 {
            let text = "t\(random.index(below: 12))"
            let place = model.firstIndex { $0.text == text }
            switch random.index(below: 8) {
            case 0..<4:
                if let place { model.append(model.remove(at: place)) }
                #expect(cache.row(key(text))?.first == (place == nil ? nil : model.last?.value), "seed \(seed) \(step)")
            case 4..<7:
                if let place { model.remove(at: place) }
                if model.count == limit { model.removeFirst() }
                model.append((text, Float(step)))
                cache.insert([Float(step), 0, 0, 0], for: key(text))
            default:
                if let place { model.remove(at: place) }
                cache.remove(key(text))
            }
            #expect(cache.statistics.rows == model.count && cache.statistics.bytes <= cache.byteLimit)
        }
        cache.removeAll()
        #expect(cache.statistics.rows == 0 && cache.statistics.bytes == 0)
    }

    @Test("threads that share the cache see whole rows and keep its count right")
    func threads() async {
        let cache = FeatureCache(byteLimit: 64 << 10)
        await withTaskGroup(of: Void.self) { group in
            for thread in 0..<8 {
                group.addTask {
                    for step in 0..<2_000 {
                        let text = (thread * 31 + step * 17) % 200
                        let key = FeatureKey(FeatureSpace(baseDigest: "b", site: "s"), TextDigest(of: "\(text)"))
                        if let row = cache.row(key) {
                            #expect(row == [Float](repeating: Float(text), count: 64))
                        } else {
                            cache.insert([Float](repeating: Float(text), count: 64), for: key)
                        }
                    }
                }
            }
        }
        let statistics = cache.statistics
        #expect(statistics.hits + statistics.misses == 16_000)
        #expect(statistics.bytes <= cache.byteLimit)
    }

    @Test("a cached encoder computes a text once, however often it appears and whoever asks")
    func computesOnce() throws {
        let base = try TinyBase()
        let encoder = try TextEncoder(try BaseFolder.open(base.path))
        let cached = CachedEncoder(encoder: encoder, cache: FeatureCache(byteLimit: 1 << 20))
        let texts = ["sea", "war", "sea", "love", "war"]
        let direct = try encoder.pooled(texts)
        for (one, other) in zip(try cached.features(texts).values, direct.values) { #expect(abs(one - other) < 1e-6) }
        #expect(cached.cache.statistics.rows == 3 && cached.cache.statistics.hits == 0)
        let again = try cached.features(["love", "sea"])
        #expect(cached.cache.statistics.hits == 2)
        #expect(again.row(0) == (try cached.features(texts)).row(3))
        let digests = texts.map(TextDigest.init(of:))
        #expect(try cached.features(texts, digests: digests) == cached.features(texts))
    }

    @Test("a stored SHA-256 is the same text digest, a shorter one is none")
    func storedDigest() {
        // SHA-256 of "abc" (FIPS 180-2, appendix B.1).
        let stored: [UInt8] = [
            0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
            0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
        ]
        #expect(TextDigest(sha256: stored) == TextDigest(of: "abc"))
        #expect(TextDigest(sha256: Array(stored.prefix(16))) == TextDigest(of: "abc"))
        #expect(TextDigest(sha256: Array(stored.prefix(15))) == nil)
    }
}
