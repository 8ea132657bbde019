import Adapters
import Artifacts
import Problem
import Tensor
import Testing

/// Adapters inside the encoder, as frames of a pack.
@Suite struct SparseFrameTests {
    private static let width = 12
    private static let shape = SparseUserDelta.Shape(
        groups: EntryGroups(count: 3, groupOfEntry: (0..<13).map { min($0 / 4, 2) }), width: width)

    private static func delta(_ precision: SparseUserDelta.Precision, seed: UInt64) throws -> SparseUserDelta {
        var random = RandomSource(seed: seed)
        func normals(_ count: Int) -> [Float] { (0..<count).map { _ in Float(random.normal()) } }
        return try #require(
            SparseUserDelta(
                rounding: normals(13), kept: [true, false, seed % 2 == 0], head: normals(width), bias: 0.25,
                (precision, .int8), shape))
    }

    private func refusal(
        _ frame: [UInt8], _ provenance: AdapterProvenance = PackTests.provenance, in space: DeltaSpace
    ) -> String? {
        do {
            var coder = AdapterFrameCoder(provenance: provenance, width: Self.width, space: space)
            _ = try coder.decode(frame, at: "test")
            return nil
        } catch { return (error as? any ProblemConvertible)?.problem.errorClass ?? "\(error)" }
    }

    @Test(
        "users of a pack read back equal, and take form, seal and what they store",
        arguments: SparseUserDelta.Precision.allCases)
    func roundTrips(precision: SparseUserDelta.Precision) throws {
        var writer = PackWriter(provenance: PackTests.provenance, width: Self.width)
        let deltas = try (0..<6 as Range<UInt64>).map { try Self.delta(precision, seed: $0) }
        let entries = deltas.enumerated().map { writer.add(.sparse($0.element), uid: Int64($0.offset)) }
        let bytes = writer.finish().bytes
        #expect(try Pack.entries(of: bytes, at: "test") == entries)
        var coder = AdapterFrameCoder(
            provenance: PackTests.provenance, width: Self.width, space: .sparse(Self.shape))
        for (entry, delta) in zip(entries, deltas) {
            let frame = Array(bytes[Int(entry.offset)..<Int(entry.offset + entry.length)])
            #expect(frame.count == 5 + delta.encoded().count)
            #expect(try coder.decode(frame, at: "test") == .sparse(delta))
        }
    }

    @Test("under another recipe or base, damaged anywhere, or as a head, it is refused in words")
    func refuses() throws {
        var coder = AdapterFrameCoder(
            provenance: PackTests.provenance, width: Self.width, space: .sparse(Self.shape))
        let frame = coder.encode(.sparse(try Self.delta(.int8, seed: 3)))
        let inside = DeltaSpace.sparse(Self.shape)
        #expect(refusal(frame, in: inside) == nil)
        let other = String(repeating: "1e", count: 32)
        for provenance in [
            AdapterProvenance(baseDigest: PackTests.provenance.baseDigest, recipeDigest: other),
            AdapterProvenance(baseDigest: other, recipeDigest: PackTests.provenance.recipeDigest),
        ] { #expect(refusal(frame, provenance, in: inside) == "provenance_mismatch") }
        for bit in 0..<frame.count * 8 where frame[0] ^ (bit < 8 ? 1 << bit : 0) != 0x28 {
            var damaged = frame
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(refusal(damaged, in: inside) == "provenance_mismatch", "bit \(bit)")
        }
        #expect(refusal(frame, in: .head(basis: nil)) == "adapter_malformed")
        let wider = SparseUserDelta.Shape(groups: .single(14), width: Self.width)
        #expect(refusal(frame, in: .sparse(wider)) == "adapter_malformed")
        let head = coder.encode(try PackTests.delta(kept: 3, seed: 1, width: Self.width))
        #expect(refusal(head, in: .head(basis: nil)) == nil)
        #expect(refusal(head, in: inside) == "adapter_malformed")
    }

    @Test("what takes heads refuses an adapter inside the encoder and says what to do")
    func isNoHead() throws {
        let delta = UserDelta.sparse(try Self.delta(.int4, seed: 1))
        let problem = try #require(throws: Problem.self) { try delta.head(at: "acme/u-1") }
        #expect(problem.errorClass == "adapter_kind" && problem.location == "acme/u-1")
        #expect(delta.width == Self.width)
        let head = try PackTests.delta(kept: 3, seed: 1, width: Self.width)
        #expect(try UserDelta.head(head).head(at: "acme/u-1") == head)
    }
}
