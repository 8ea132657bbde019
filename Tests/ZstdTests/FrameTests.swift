import Testing
import Zstd

@Suite struct FrameTests {
    /// Repeating and incompressible bytes, from a small generator so that every run sees the same.
    static func sample(_ count: Int, seed: UInt64) -> [UInt8] {
        var state = seed
        return (0..<count).map { index in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return index % 3 == 0 ? UInt8(truncatingIfNeeded: state >> 56) : UInt8(index & 7)
        }
    }

    @Test("what was compressed expands to the same bytes, for every small size and some large ones")
    func roundTrip() throws {
        for count in Array(0...300) + [4096, 65_535, 65_536, 1_000_000] {
            let bytes = Self.sample(count, seed: UInt64(count))
            #expect(try ZstdFrame.expand(ZstdFrame.compress(bytes), limit: count) == bytes, "\(count) bytes")
        }
    }

    @Test("one compressor and one expander serve many frames, and equal bytes give equal frames")
    func reuse() throws {
        var compressor = Compressor(level: 1, checksum: true)
        var expander = Expander()
        var first: [[UInt8]] = []
        for index in 0..<50 { first.append(compressor.compress(Self.sample(500, seed: UInt64(index)))) }
        for (index, frame) in first.enumerated() {
            let bytes = Self.sample(500, seed: UInt64(index))
            #expect(try expander.expand(frame, limit: 500) == bytes)
            #expect(compressor.compress(bytes) == frame)
        }
    }

    @Test("a dictionary makes repeated content cheap, and another dictionary is noticed by the checksum")
    func dictionary() throws {
        let shared = Self.sample(600, seed: 7)
        let bytes = Array(shared[100..<500]) + Self.sample(40, seed: 8)
        var compressor = Compressor(checksum: true, dictionary: shared)
        let frame = compressor.compress(bytes)
        #expect(frame.count < 100)
        var expander = Expander(dictionary: shared)
        #expect(try expander.expand(frame, limit: 1000) == bytes)
        var stranger = Expander(dictionary: Self.sample(600, seed: 9))
        #expect(code { _ = try stranger.expand(frame, limit: 1000) } == .corrupt)
        #expect(code { _ = try ZstdFrame.expand(frame, limit: 1000) } == .corrupt)
    }

    @Test("a bomb is refused by its stated size and, where none is stated, when it reaches the limit")
    func bombs() {
        let frame = ZstdFrame.compress([UInt8](repeating: 0, count: 100_000_000))
        #expect(frame.count < 20_000)
        #expect(code { _ = try ZstdFrame.expand(frame, limit: 99_999_999) } == .bomb)
        // A frame as a streaming compressor writes it, 100 kB of zeros with no size in the header: magic number,
        // descriptor 0 (no size), window 128 KiB (byte 0x38), one last block of type RLE with its size and byte.
        let unsized: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0, 0x38] + rleBlock(size: 100_000)
        #expect(code { _ = try ZstdFrame.expand(unsized, limit: 99_999) } == .bomb)
        #expect((try? ZstdFrame.expand(unsized, limit: 100_000)) == [UInt8](repeating: 0, count: 100_000))
    }

    @Test("every truncation is refused")
    func truncations() {
        let bytes = Self.sample(2000, seed: 3)
        var compressor = Compressor(checksum: true)
        let frame = compressor.compress(bytes)
        for count in 0..<frame.count {
            #expect(code { _ = try ZstdFrame.expand(Array(frame[..<count]), limit: 4000) } == .truncated, "\(count)")
        }
    }

    @Test("every flipped byte is refused or gives the same content, and bytes after the frame are refused")
    func corruption() {
        let bytes = Self.sample(600, seed: 4)
        var compressor = Compressor(checksum: true)
        let frame = compressor.compress(bytes)
        for index in frame.indices {
            var bad = frame
            bad[index] ^= 0x55
            if let content = try? ZstdFrame.expand(bad, limit: 4000) { #expect(content == bytes, "byte \(index)") }
        }
        #expect(code { _ = try ZstdFrame.expand(frame + [0], limit: 4000) } == .corrupt)
        #expect(code { _ = try ZstdFrame.expand(frame + frame, limit: 4000) } == .corrupt)
        #expect(code { _ = try ZstdFrame.expand([1, 2, 3, 4, 5, 6, 7, 8], limit: 4000) } == .corrupt)
    }

    @Test("an error names the place, the class, the sizes and what helps")
    func message() {
        let frame = ZstdFrame.compress([UInt8](repeating: 1, count: 5000))
        #expect {
            _ = try ZstdFrame.expand(frame, limit: 10, at: "acme/u-1")
        } throws: { error in
            String(describing: error) == """
                error: acme/u-1: zstd_bomb: \(frame.count) bytes expand to 5000, the limit is 10.
                  do: check where it comes from; nothing of it was kept.
                """
        }
    }

    private func rleBlock(size: Int) -> [UInt8] {
        let header = UInt32(size) << 3 | 1 << 1 | 1
        return [UInt8(header & 0xFF), UInt8(header >> 8 & 0xFF), UInt8(header >> 16), 0]
    }
}

/// The code of the error that `body` throws; nil when it throws none.
func code(_ body: () throws -> Void) -> ZstdError.Code? {
    do {
        try body()
        return nil
    } catch {
        return (error as? ZstdError)?.code
    }
}
