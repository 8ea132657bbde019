import Adapters
import Artifacts
import Synchronization
import Tensor

extension FuzzTarget {
    /// One user's adapter as a file.
    static let adapter = FuzzTarget("adapter") { bytes in
        let file = try AdapterFile(decoding: bytes, at: "fuzzed")
        promise(again { try AdapterFile(decoding: file.encoded(), at: "copy") } == file)
        use(file)
        // A pack begins with the digests.
        var writer = PackWriter(provenance: file.provenance, width: file.delta.width)
        _ = writer.add(file.delta, uid: 1)
        let pack = writer.finish().bytes
        promise(again { try Pack.entries(of: pack, at: "pack") }.count == 1)
    }

    /// One user's adapter as a frame of a pack: what is read is written and read again.
    static let frame = FuzzTarget("frame") { bytes in
        try use(frame: bytes)
    }

    /// A pack, and as many of its frames as a small one has.
    static let pack = FuzzTarget("pack") { bytes in
        let entries = try Pack.entries(of: bytes, at: "fuzzed")
        var end = 0
        for entry in entries {
            promise(Int(entry.offset) >= end, "two frames share bytes")
            promise(entry.indexByteCount > 1 && entry.indexByteCount <= 16)
            end = Int(entry.offset + entry.length)
        }
        for entry in entries.prefix(4) {
            try use(frame: Array(bytes[Int(entry.offset)..<Int(entry.offset + entry.length)]))
        }
    }

    private static func use(frame bytes: [UInt8]) throws {
        // Coefficients in int8 and sparse deltas say so in their first byte; all else is read beside coefficients in int4.
        switch bytes.first {
        case 2: try int8Coder.withLock { coder throws in try use(frame: bytes, &coder) }
        case 6: try sparseCoder.withLock { coder throws in try use(frame: bytes, &coder) }
        default: try int4Coder.withLock { coder throws in try use(frame: bytes, &coder) }
        }
    }

    private static func use(frame bytes: [UInt8], _ coder: inout AdapterFrameCoder) throws {
        let delta = try coder.decode(bytes, at: "fuzzed")
        promise(delta.width == width)
        if case .head(let head) = delta { use(head, on: .zero(width: width)) }
        let copy = coder.encode(delta)
        promise(again { try coder.decode(copy, at: "copy") } == delta)
        promise(bytes[0] == 0x28 || copy == bytes, "a frame has one spelling")
    }

    private static func use(_ file: AdapterFile) {
        use(file.delta, on: file.start ?? .zero(width: file.delta.width))
    }

    private static func use(_ delta: HeadDelta, on start: LinearHead) {
        let dense = delta.dense()
        promise(LinearHead(weights: dense.weights, bias: dense.bias).isFinite, "a number that is none")
        let head = delta.applied(to: start)
        promise(head.width == delta.width && !head.weights.contains(where: \.isNaN))
    }

    private static let int4Coder = Mutex(coder(basis(.int4)))
    private static let int8Coder = Mutex(coder(basis(.int8)))
    private static let sparseCoder = Mutex(
        coder(
            .sparse(
                .init(
                    groups: EntryGroups(count: 3, groupOfEntry: [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2]),
                    width: width))))

    /// What the frames of the corpus were made for, see `make_corpus.py`: 12 features, 5 directions or 13 entries.
    private static let width = 12

    private static func basis(_ precision: CoefficientPrecision) -> DeltaSpace {
        let values = Matrix(rows: 5, columns: width, values: (0..<5 * width).map { Float($0 % 7) - 3 })
        return .head(
            basis: HeadBasis(
                directions: values, projector: values, meanFeature: [Float](repeating: 0.1, count: width),
                precision: precision))
    }

    private static func coder(_ space: DeltaSpace) -> AdapterFrameCoder {
        AdapterFrameCoder(
            provenance: AdapterProvenance(
                baseDigest: String(repeating: "ab", count: 32), recipeDigest: String(repeating: "0f", count: 32)),
            width: width, space: space)
    }
}
