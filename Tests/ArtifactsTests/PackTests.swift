import Adapters
import Artifacts
import Crypto
import Foundation
import Problem
import Safetensors
import Tensor
import Testing

@Suite struct PackTests {
    static let provenance = AdapterProvenance(
        baseDigest: String(repeating: "ab", count: 32), recipeDigest: String(repeating: "0f", count: 32))

    /// A delta of `kept` random rows.
    static func delta(kept: Int, seed: UInt64, width: Int = 384) throws -> HeadDelta {
        var random = RandomSource(seed: seed)
        let dense = (0..<width).map { _ in Float(random.normal()) }
        let rows = Array(random.permutation(width).prefix(kept)).sorted()
        return .rows(try #require(RowDelta(quantizing: dense, keeping: rows, bias: Float(random.normal()))))
    }

    @Test("every user of a pack is read back from the bytes that the entry names", arguments: [0, 1, 192, 384])
    func roundTrip(kept: Int) throws {
        var writer = PackWriter(provenance: Self.provenance, width: 384)
        let deltas = try (0..<5).map { try Self.delta(kept: kept, seed: UInt64($0)) }
        let entries = deltas.enumerated().map { writer.add($0.element, uid: Int64($0.offset) - 2) }
        let (bytes, sha256) = writer.finish()
        #expect(sha256 == Array(SHA256.hash(data: bytes)))
        #expect(try Pack.entries(of: bytes, at: "test") == entries)
        var coder = AdapterFrameCoder(provenance: Self.provenance, width: 384)
        for (entry, delta) in zip(entries, deltas) {
            let frame = Array(bytes[Int(entry.offset)..<Int(entry.offset + entry.length)])
            #expect(Array(SHA256.hash(data: frame)) == entry.sha256)
            #expect(try coder.decode(frame, at: "test") == .head(delta))
        }
    }

    @Test(
        "a user of a 384-wide head costs little more than the kept rows, index included",
        arguments: [(16, 80), (192, 256), (256, 320), (384, 448)])
    func size(kept: Int, limit: Int) throws {
        var writer = PackWriter(provenance: Self.provenance, width: 384)
        for user in 0..<1000 { _ = writer.add(try Self.delta(kept: kept, seed: UInt64(user)), uid: Int64(user)) }
        let perUser = writer.finish().bytes.count / 1000
        #expect(perUser <= limit, "\(perUser) bytes a user")
        #expect(perUser == kept + 48 + 13 + (kept > 100 ? 3 : 2), "bitmap, form, seal, two numbers, an entry")
    }

    @Test("a pack cut anywhere, or with any of its last bytes changed, is refused or names the same bytes")
    func damage() throws {
        var writer = PackWriter(provenance: Self.provenance, width: 384)
        let entries = try (0..<3).map { writer.add(try Self.delta(kept: 8, seed: UInt64($0)), uid: Int64($0)) }
        let bytes = writer.finish().bytes
        for length in 0..<bytes.count {
            #expect(throws: Problem.self) { try Pack.entries(of: Array(bytes.prefix(length)), at: "cut") }
        }
        for position in (bytes.count - 16)..<bytes.count {
            var damaged = bytes
            damaged[position] ^= 0xFF
            #expect(throws: Problem.self, "byte \(position)") { try Pack.entries(of: damaged, at: "damaged") }
        }
        #expect(entries.count == 3)
    }

    @Test("entries that share bytes, or leave some out, are refused: they could name more bytes than there are")
    func overlaps() throws {
        var writer = PackWriter(provenance: Self.provenance, width: 384)
        let entries = try (0..<2).map { writer.add(try Self.delta(kept: 8, seed: UInt64($0)), uid: Int64($0)) }
        let bytes = writer.finish().bytes
        #expect(try Pack.entries(of: bytes, at: "test") == entries)
        let index = bytes.count - 16 - 2 * 2
        func changed(_ place: Int, by step: Int8) -> [UInt8] {
            var changed = bytes
            changed[index + place] = UInt8(truncatingIfNeeded: Int(changed[index + place]) + Int(step))
            return changed
        }
        // A frame is longer or shorter by a byte than it is; the last has no byte.
        var none = bytes
        none[index + 3] = 0
        for damaged in [changed(1, by: 1), changed(1, by: -1), changed(3, by: 1), changed(3, by: -1), none] {
            let problem = try #require(throws: Problem.self) { try Pack.entries(of: damaged, at: "damaged") }
            #expect(problem.errorClass == "pack_malformed")
        }
    }

    /// The file of an adapter with some of what it says replaced.
    private func file(
        _ metadata: [String: String] = [:], scale: Float = 1, start: [Float]? = nil
    ) throws -> [UInt8] {
        let start = start.map { LinearHead(weights: $0, bias: 0) }
        let delta = try Self.delta(kept: 4, seed: 1, width: 8)
        let file = try SafetensorsFile(
            AdapterFile(delta: delta, provenance: Self.provenance, start: start).encoded(), name: "whole")
        var writer = SafetensorsWriter(metadata: file.metadata.merging(metadata) { $1 })
        for tensor in file.tensors where tensor.name != "head.scale" {
            writer.add(
                tensor.name, type: tensor.elementType, shape: tensor.shape, bytes: try file.bytes(of: tensor.name))
        }
        writer.add("head.scale", shape: [1], floats: [scale])
        return writer.encoded()
    }

    @Test("an adapter whose numbers are none, or whose digests or version are not such, is refused")
    func malformedFiles() throws {
        _ = try AdapterFile(decoding: file(start: [Float](repeating: 1, count: 8)), at: "test")
        for bytes in [
            try file(scale: .nan), try file(scale: 3e38), try file(start: [Float](repeating: .nan, count: 8)),
            try file(["version": "0"]), try file(["version": "-1"]),
            try file(["recipe": String(repeating: "+f", count: 32)]),
        ] {
            let problem = try #require(throws: Problem.self) { try AdapterFile(decoding: bytes, at: "test") }
            #expect(problem.errorClass == "adapter_malformed")
        }
    }

    @Test("a file of a newer version is refused by that name")
    func newerVersion() throws {
        let file = AdapterFile(delta: try Self.delta(kept: 3, seed: 2), provenance: Self.provenance).encoded()
        let text = String(decoding: file, as: Unicode.ASCII.self)
        let place = try #require(text.range(of: #""version":"1""#), "rows are written as before")
        var newer = file
        newer[text.distance(from: text.startIndex, to: place.upperBound) - 2] = UInt8(ascii: "3")
        #expect { try AdapterFile(decoding: newer, at: "test") } throws: {
            ($0 as? Problem)?.errorClass == "payload_newer"
        }
    }

    @Test("a key says which claim made it, and only such keys are read")
    func keys() throws {
        let key = ArtifactKey(
            prefix: "t/7f", chunkID: 12, attempt: 3, token: UUID(), sha256: String(repeating: "ab", count: 32))
        #expect(ArtifactKey(key.text) == key)
        #expect(ArtifactKey("t/7f/12-3-\(UUID().uuidString.lowercased())-abc") == nil)
        #expect(ArtifactKey("recipes") == nil)
    }
}
