import Foundation
import Testing
import Zstd

@Suite struct ExpandingFileReaderTests {
    @Test("a plain file, a compressed one and several frames in a row read as their content")
    func contents() throws {
        let small = FrameTests.sample(1000, seed: 1)
        let large = FrameTests.sample(3_000_000, seed: 2)
        let edge = FrameTests.sample(ExpandingFileReader.pieceByteLimit, seed: 3)
        for content in [[], [1], [1, 2, 3], small, large, edge] {
            #expect(try read(content) == content)
            #expect(try read(ZstdFrame.compress(content)) == content)
            #expect(try read(ZstdFrame.compress(small) + ZstdFrame.compress(content)) == small + content)
        }
        let skippable: [UInt8] = [0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 9, 9, 9]
        #expect(try read(skippable + ZstdFrame.compress(large)) == large)
    }

    @Test("a file of exactly one input buffer is not taken for a cut one")
    func exactBuffer() throws {
        // An incompressible content whose frame fills the buffer to the byte: raw blocks cost a known header.
        var content = (0..<ExpandingFileReader.pieceByteLimit).map { UInt8(truncatingIfNeeded: $0 &* 167 >> 3) }
        while ZstdFrame.compress(content).count > ExpandingFileReader.pieceByteLimit { content.removeLast(1) }
        let frame = ZstdFrame.compress(content)
        let filler = ExpandingFileReader.pieceByteLimit - frame.count
        if filler >= 8 {
            let skippable: [UInt8] =
                [0x50, 0x2A, 0x4D, 0x18] + (0..<4).map { UInt8(truncatingIfNeeded: (filler - 8) >> ($0 * 8)) }
                + [UInt8](repeating: 0, count: filler - 8)
            #expect(try read(frame + skippable) == content)
        }
        #expect(try read(frame) == content)
    }

    @Test("a compressed file that was cut, at any of its last bytes or in the middle, is refused")
    func truncated() throws {
        let frame = ZstdFrame.compress(FrameTests.sample(500_000, seed: 5))
        for count in [5, 6, 100, frame.count / 2] + Array(frame.count - 10..<frame.count) {
            #expect(code { _ = try read(Array(frame[..<count])) } == .truncated, "\(count) of \(frame.count)")
        }
    }

    @Test("bytes that are no frame after a frame are refused")
    func garbage() throws {
        #expect(code { _ = try read(ZstdFrame.compress([1, 2, 3]) + [9, 9, 9, 9, 9, 9, 9, 9]) } == .corrupt)
    }

    @Test("a missing file and a folder are named with the system's reason")
    func unreadable() {
        #expect {
            _ = try ExpandingFileReader(path: "/nonexistent/users.jsonl")
        } throws: { error in
            String(describing: error).hasPrefix(
                "error: /nonexistent/users.jsonl: file_unreadable: No such file or directory.")
        }
        #expect(code { try readFolder() } == .unreadable)
    }

    private func readFolder() throws {
        var reader = try ExpandingFileReader(path: "/")
        _ = try reader.next()
    }

    /// The content of a temporary file that holds `bytes`.
    private func read(_ bytes: [UInt8]) throws -> [UInt8] {
        let url = FileManager.default.temporaryDirectory.appending(path: "attune-zstd-\(UUID().uuidString)")
        try Data(bytes).write(to: url)
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(at: url) } }
        var reader = try ExpandingFileReader(path: url.path)
        var content: [UInt8] = []
        while let piece = try reader.next() {
            #expect(!piece.isEmpty && piece.count <= ExpandingFileReader.pieceByteLimit)
            content += piece
        }
        return content
    }
}
