import Adapters
import Artifacts
import Synchronization

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

    /// One user's adapter as a zstd frame of a pack.
    static let frame = FuzzTarget("frame") { bytes in
        use(try coder.withLock { coder throws in try coder.decode(bytes, at: "fuzzed") })
    }

    /// A pack, and as many of its frames as a small one has.
    static let pack = FuzzTarget("pack") { bytes in
        let entries = try Pack.entries(of: bytes, at: "fuzzed")
        var end = 0
        for entry in entries {
            promise(Int(entry.offset) >= end, "two frames share bytes")
            end = Int(entry.offset + entry.length)
        }
        for entry in entries.prefix(4) {
            let frame = Array(bytes[Int(entry.offset)..<Int(entry.offset + entry.length)])
            use(try coder.withLock { coder throws in try coder.decode(frame, at: "fuzzed") })
        }
    }

    private static func use(_ file: AdapterFile) {
        let dense = file.delta.dense()
        promise(LinearHead(weights: dense.weights, bias: dense.bias).isFinite, "a number that is none")
        let head = file.delta.applied(to: file.start ?? .zero(width: file.delta.width))
        promise(head.width == file.delta.width && !head.weights.contains(where: \.isNaN))
    }

    /// What the frames of the corpus were made for, see `make_corpus.py`.
    private static let coder = Mutex(
        AdapterFrameCoder(
            provenance: AdapterProvenance(
                baseDigest: String(repeating: "ab", count: 32), recipeDigest: String(repeating: "0f", count: 32)),
            width: 12))
}
