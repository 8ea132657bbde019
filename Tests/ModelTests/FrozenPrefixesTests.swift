import Model
import Tensor
import Testing

@Suite struct FrozenPrefixesTests {
    @Test("rows before a cut are computed once, kept in f16 and the same from the cache", arguments: [1, 2])
    func cached(block: Int) throws {
        let base = try TinyBase()
        let transformer = try Transformer(BaseFolder.open(base.path))
        let cut = block == 1 ? Cut.feedForward(1) : .block(2)
        let prefixes = FrozenPrefixes(transformer, cut: cut, cache: PrefixCache(byteLimit: 1 << 20))
        let sequences: [[Int32]] = [[2, 5, 6, 3], [2, 9, 3], [2, 5, 6, 3]]
        let digests = prefixes.digests(sequences)
        #expect(digests[0] == digests[2] && digests[0] != digests[1])
        var batch = PackedBatch()
        for sequence in sequences { batch.append(sequence) }
        var pass = TransformerPass(transformer, tokens: 11, longest: 4)
        pass.run(batch, NoAdapters(), to: cut)
        let exact = pass.rows(at: cut, count: 11).map(\.values)
        #expect(exact.count == (block == 1 ? 2 : 1))
        var found: [[[Float]]] = []
        for _ in 0..<2 {
            let rows = exact.map { _ in MatrixView(rows: 11, columns: TinyBase.width) }
            prefixes.load(sequences, digests: digests, into: rows)
            found.append(rows.map(\.values))
        }
        #expect(found[0] == found[1])
        for (values, exact) in zip(found[0], exact) {
            #expect(values.count == exact.count && values.contains { $0 != 0 })
            for (value, exact) in zip(values, exact) { #expect(abs(value - exact) <= 1e-3 * max(1, abs(exact))) }
        }
        let statistics = prefixes.cache.statistics
        #expect(statistics.rows == 2 && statistics.misses == 3 && statistics.hits == 3)
    }

    @Test("f16 copies round to nearest even, in strided views too")
    func halves() {
        let whole = MatrixView(rows: 2, columns: 3, values: [1, 1 + 0x1p-11, 9, -2, 1 + 0x3p-11, 9])
        let view = whole.columns(0..<2)
        #expect(view.halves == [1, 1, -2, 1 + 0x1p-9])
        let copy = MatrixView(rows: 2, columns: 2)
        copy.copy(halves: view.halves)
        #expect(copy.values == [1, 1, -2, 1 + 0x1p-9])
    }
}
