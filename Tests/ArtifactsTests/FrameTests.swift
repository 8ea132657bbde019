import Adapters
import Artifacts
import Problem
import Tensor
import Testing
import Zstd

@Suite struct FrameTests {
    private static let width = 30

    private static func basis(_ count: Int, _ precision: CoefficientPrecision) -> HeadBasis {
        var random = RandomSource(seed: 2)
        func normals(_ count: Int) -> [Float] { (0..<count).map { _ in Float(random.normal()) } }
        return HeadBasis(
            directions: Matrix(rows: count, columns: width, values: normals(count * width)),
            projector: Matrix(rows: count, columns: width, values: normals(count * width)),
            meanFeature: normals(width), precision: precision)
    }

    private static func delta(in basis: HeadBasis, seed: UInt64) throws -> HeadDelta {
        var random = RandomSource(seed: seed)
        let difference = (0..<width).map { _ in Float(random.normal()) }
        let coefficients = basis.coefficients(of: Matrix(rows: 1, columns: width, values: difference)).values
        return .coefficients(
            try #require(
                BasisDelta(quantizing: coefficients, of: difference, bias: Float(random.normal()), in: basis)))
    }

    private static func coder(
        _ provenance: AdapterProvenance = PackTests.provenance, basis: HeadBasis?, width: Int = width
    ) -> AdapterFrameCoder {
        AdapterFrameCoder(provenance: provenance, width: width, space: .head(basis: basis))
    }

    private func refusal(_ frame: [UInt8], basis: HeadBasis?) -> String? {
        do {
            var coder = Self.coder(basis: basis)
            _ = try coder.decode(frame, at: "test")
            return nil
        } catch { return (error as? any ProblemConvertible)?.problem.errorClass ?? "\(error)" }
    }

    @Test(
        "coefficients read back equal, an odd number of half bytes too, and take what the table says",
        arguments: [1, 2, 5, 8, 24], CoefficientPrecision.allCases)
    func coefficients(count: Int, precision: CoefficientPrecision) throws {
        let basis = Self.basis(count, precision)
        var coder = Self.coder(basis: basis)
        for seed in 0..<20 as Range<UInt64> {
            let delta = try Self.delta(in: basis, seed: seed)
            let frame = coder.encode(delta)
            #expect(frame.count == 9 + (precision == .int8 ? count : (count + 1) / 2))
            #expect(try coder.decode(frame, at: "test") == .head(delta))
        }
    }

    @Test("heads in full read back equal", arguments: FullDelta.Precision.allCases)
    func full(precision: FullDelta.Precision) throws {
        var random = RandomSource(seed: 6)
        let weights = (0..<Self.width).map { _ in Float(random.normal()) }
        let delta = HeadDelta.full(try #require(FullDelta(weights, bias: 0.1, precision: precision)))
        var coder = Self.coder(basis: nil)
        let frame = coder.encode(delta)
        #expect(frame.count == 9 + Self.width * (precision == .float16 ? 2 : 4))
        #expect(try coder.decode(frame, at: "test") == .head(delta))
        let file = AdapterFile(delta: delta, provenance: PackTests.provenance)
        #expect(try AdapterFile(decoding: file.encoded(), at: "file") == file)
    }

    @Test("a file of coefficients holds the weights that they stand for")
    func fileOfCoefficients() throws {
        let delta = try Self.delta(in: Self.basis(5, .int4), seed: 1)
        let file = try AdapterFile(
            decoding: AdapterFile(delta: delta, provenance: PackTests.provenance).encoded(), at: "file")
        #expect(file.delta.dense() == delta.dense())
    }

    @Test("a frame of another base, recipe or width, and one with a changed bit anywhere, is refused, never applied")
    func provenanceIsSealed() throws {
        let basis = Self.basis(5, .int8)
        var coder = Self.coder(basis: basis)
        let frame = coder.encode(try Self.delta(in: basis, seed: 3))
        #expect(refusal(frame, basis: basis) == nil)
        let (base, recipe) = (PackTests.provenance.baseDigest, PackTests.provenance.recipeDigest)
        let other = String(repeating: "1e", count: 32)
        for provenance in [
            AdapterProvenance(baseDigest: other, recipeDigest: recipe),
            AdapterProvenance(baseDigest: base, recipeDigest: other),
            AdapterProvenance(baseDigest: recipe, recipeDigest: base),
        ] {
            var foreign = Self.coder(provenance, basis: basis)
            let problem = try #require(throws: Problem.self) { _ = try foreign.decode(frame, at: "test") }
            #expect(problem.errorClass == "provenance_mismatch")
        }
        var wider = Self.coder(basis: nil, width: Self.width + 1)
        #expect(throws: Problem.self) { _ = try wider.decode(frame, at: "test") }
        for bit in 0..<frame.count * 8 where frame[0] ^ (bit < 8 ? 1 << bit : 0) != 0x28 {
            var damaged = frame
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(refusal(damaged, basis: basis) == "provenance_mismatch", "bit \(bit)")
        }
        for length in 0..<frame.count { #expect(refusal(Array(frame.prefix(length)), basis: basis) != nil) }
    }

    @Test("coefficients are read in no basis but one of their number and precision")
    func otherBasis() throws {
        let basis = Self.basis(6, .int8)
        var coder = Self.coder(basis: basis)
        let frame = coder.encode(try Self.delta(in: basis, seed: 4))
        #expect(refusal(frame, basis: nil) == "adapter_malformed")
        #expect(refusal(frame, basis: Self.basis(6, .int4)) == "adapter_malformed")
        #expect(refusal(frame, basis: Self.basis(5, .int8)) == "adapter_malformed")
        #expect(refusal(frame, basis: Self.basis(7, .int8)) == "adapter_malformed")
    }

    @Test("frames of the first version, zstd of a file of rows, are still read")
    func firstVersion() throws {
        func zstd(_ provenance: AdapterProvenance, _ delta: HeadDelta) throws -> [UInt8] {
            let zeros = try #require(
                RowDelta(
                    quantizing: [Float](repeating: 0, count: Self.width), keeping: Array(0..<Self.width), bias: 0))
            let dictionary = AdapterFile(delta: .rows(zeros), provenance: PackTests.provenance).encoded()
            var compressor = Compressor(level: 3, checksum: true, dictionary: dictionary)
            return compressor.compress(AdapterFile(delta: delta, provenance: provenance).encoded())
        }
        let delta = try PackTests.delta(kept: 11, seed: 5, width: Self.width)
        var coder = Self.coder(basis: Self.basis(5, .int8))
        #expect(try coder.decode(zstd(PackTests.provenance, delta), at: "test") == .head(delta))
        #expect(try coder.decode(coder.encode(delta), at: "test") == .head(delta))
        let other = String(repeating: "1e", count: 32)
        let foreign = AdapterProvenance(baseDigest: PackTests.provenance.baseDigest, recipeDigest: other)
        #expect(refusal(try zstd(foreign, delta), basis: nil) == "recipe_mismatch")
        let narrow = try PackTests.delta(kept: 3, seed: 5, width: Self.width - 1)
        #expect(refusal(try zstd(PackTests.provenance, narrow), basis: nil) == "adapter_malformed")
    }
}

@Suite struct PackIndexTests {
    @Test("users of a basis of 64 in int8 take 76 bytes, index included, whatever their ids")
    func size() throws {
        var random = RandomSource(seed: 1)
        let values = (0..<64 * 384).map { _ in Float(random.normal()) }
        let directions = Matrix(rows: 64, columns: 384, values: values)
        let basis = HeadBasis(
            directions: directions, projector: directions, meanFeature: Array(values.prefix(384)), precision: .int8)
        var writer = PackWriter(provenance: PackTests.provenance, width: 384)
        let difference = Array(values.suffix(384))
        let coefficients = basis.coefficients(of: Matrix(rows: 1, columns: 384, values: difference)).values
        let delta = try #require(BasisDelta(quantizing: coefficients, of: difference, bias: 0.3, in: basis))
        var entries: [Pack.Entry] = []
        for user in 0..<1000 as Range<Int64> {
            entries.append(writer.add(.coefficients(delta), uid: 3 * user + 7_000_000))
        }
        let bytes = writer.finish().bytes
        #expect(bytes.count / 1000 <= 76)
        #expect(entries.dropFirst().allSatisfy { $0.storedByteCount == 75 })
        #expect(Int32(bytes.count) == 80 + 16 + entries.reduce(0) { $0 + $1.storedByteCount })
        #expect(try Pack.entries(of: bytes, at: "test") == entries)
    }

    @Test("any user ids in any order read back")
    func anyIDs() throws {
        var writer = PackWriter(provenance: PackTests.provenance, width: 8)
        let delta = try PackTests.delta(kept: 2, seed: 1, width: 8)
        let uids = [Int64.max, .min, 0, -1, 1, 1 << 40, -(1 << 40), 127, 128, 1 << 62]
        let entries = uids.map { writer.add(delta, uid: $0) }
        #expect(entries.map(\.uid) == uids)
        #expect(try Pack.entries(of: writer.finish().bytes, at: "test") == entries)
    }

    @Test("packs of the first version, whose entries have 16 bytes, are still read")
    func firstVersion() throws {
        func word(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) } }
        let frames: [[UInt8]] = [[1, 2, 3], [4]]
        let header = Array("ATTNPACK".utf8) + word(1) + word(8) + [UInt8](repeating: 0xAB, count: 64)
        let index =
            word(7) + word(0) + word(80) + word(3) + word(0xFFFF_FFFE) + word(0xFFFF_FFFF) + word(83) + word(1)
        let trailer = word(2) + word(84) + Array("ATTNPEND".utf8)
        let entries = try Pack.entries(of: header + frames.flatMap { $0 } + index + trailer, at: "test")
        #expect(
            entries.map(\.uid) == [7, -2] && entries.map(\.offset) == [80, 83] && entries.map(\.length) == [3, 1])
        #expect(entries.allSatisfy { $0.indexByteCount == 16 })
    }
}
