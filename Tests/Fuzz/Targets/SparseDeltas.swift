import Adapters

extension FuzzTarget {
    /// What a user of a sparse delta stores, of thirteen entries in three groups and a head of five weights.
    static let sparseDelta = FuzzTarget("sparse-delta") { bytes in
        let delta = try SparseUserDelta(decoding: bytes, shape, at: "fuzzed")
        promise(delta.encoded() == bytes, "what was read is written otherwise")
        let dense = delta.dense()
        let finite = (dense.entries + dense.head + [dense.bias]).allSatisfy { $0.isFinite }
        promise(finite, "a number that is none")
        let kept = shape.groups.entries(of: delta.kept)
        promise(zip(dense.entries, kept).allSatisfy { $0 == 0 || $1 }, "a value where nothing is kept")
    }

    private static let shape = SparseUserDelta.Shape(
        groups: EntryGroups(count: 3, groupOfEntry: [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2]), width: 5)
}
