import Foundation
import Problem
import Safetensors
import Testing

@Suite struct SafetensorsFileTests {
    /// A file with this header text and this many data bytes 0, 1, 2, …
    private func file(_ header: String, dataBytes: Int) -> [UInt8] {
        let json = Array(header.utf8)
        let length = (0..<8).map { UInt8(truncatingIfNeeded: json.count >> (8 * $0)) }
        return length + json + (0..<dataBytes).map { UInt8(truncatingIfNeeded: $0) }
    }

    private func problem(_ bytes: [UInt8]) throws -> Problem {
        try #require(throws: Problem.self) { try SafetensorsFile(bytes, name: "x.safetensors") }
    }

    @Test("what the writer wrote is read back, values, shapes and metadata")
    func roundTrip() throws {
        var writer = SafetensorsWriter(metadata: ["format": "1", "quote": "a \"b\"\n"])
        writer.add("weights", shape: [2, 3], floats: [1, -2, 0.5, .infinity, 1e-30, -0.0])
        writer.add("int8", shape: [3], int8s: [-128, 0, 127])
        writer.add("bytes", shape: [1, 2], uint8s: [0, 255])
        writer.add("ids", shape: [2], int32s: [.min, .max])
        writer.add("empty", shape: [0, 4], floats: [])
        writer.add("scalar", shape: [], floats: [7])
        let bytes = writer.encoded()
        let file = try SafetensorsFile(bytes, name: "memory")
        #expect(file.metadata == ["format": "1", "quote": "a \"b\"\n"])
        #expect(try file.floats(of: "weights", shape: [2, 3]) == [1, -2, 0.5, .infinity, 1e-30, -0.0])
        #expect(try file.int8s(of: "int8") == [-128, 0, 127])
        #expect(try file.uint8s(of: "bytes") == [0, 255])
        #expect(try file.int32s(of: "ids") == [.min, .max])
        #expect(try file.floats(of: "empty") == [])
        #expect(try file.floats(of: "scalar", shape: []) == [7])
        #expect(try file.description(of: "bytes").shape == [1, 2])
        #expect(file.tensors.allSatisfy { $0.byteRange.lowerBound % $0.elementType.byteCount == 0 })
    }

    @Test("the same tensors give the same bytes in any order, with a header padded to 8")
    func deterministic() throws {
        var (first, second) = (SafetensorsWriter(), SafetensorsWriter())
        first.add("a", shape: [1], int8s: [1])
        first.add("b", shape: [1], floats: [2])
        second.add("b", shape: [1], floats: [2])
        second.add("a", shape: [1], int8s: [1])
        #expect(first.encoded() == second.encoded())
        #expect((first.encoded().count - 5) % 8 == 0)
    }

    @Test("every stored type that has a Float reads as one")
    func conversions() throws {
        var writer = SafetensorsWriter()
        writer.add("F16", type: .float16, shape: [4], bytes: [0x00, 0x3C, 0x01, 0x00, 0xFF, 0xFB, 0x00, 0x7C])
        writer.add("BF16", type: .bfloat16, shape: [2], bytes: [0x80, 0x3F, 0x20, 0xC0])
        writer.add("F64", type: .float64, shape: [1], bytes: [0, 0, 0, 0, 0, 0, 0xF8, 0x3F])
        writer.add("I64", type: .int64, shape: [1], bytes: [UInt8](repeating: 0xFF, count: 8))
        writer.add("U32", type: .uint32, shape: [1], bytes: [0, 0, 1, 0])
        writer.add("I8", shape: [1], int8s: [-5])
        writer.add("U8", shape: [1], uint8s: [250])
        writer.add("I32", shape: [1], int32s: [-70_000])
        writer.add("BOOL", type: .bool, shape: [1], bytes: [1])
        let file = try SafetensorsFile(writer.encoded(), name: "memory")
        #expect(try file.floats(of: "F16") == [1, 0x1p-24, -65_504, .infinity])
        #expect(try file.floats(of: "BF16") == [1, -2.5])
        #expect(try file.floats(of: "F64") == [1.5])
        #expect(try file.floats(of: "I64") == [-1])
        #expect(try file.int64s(of: "I64") == [-1])
        #expect(try file.floats(of: "U32") == [65_536])
        #expect(try file.floats(of: "I8") == [-5])
        #expect(try file.floats(of: "U8") == [250])
        #expect(try file.floats(of: "I32") == [-70_000])
        #expect(try #require(throws: Problem.self) { try file.floats(of: "BOOL") }.errorClass == "tensor_type")
        #expect(try #require(throws: Problem.self) { try file.int8s(of: "I32") }.errorClass == "tensor_type")
    }

    @Test("every binary16 becomes the same number in binary32")
    func halves() {
        for bits in UInt16.min...UInt16.max {
            let exact = Float(Float16(bitPattern: bits))
            let converted = float(binary16: bits)
            if exact.isNaN {
                #expect(converted.isNaN)
            } else {
                #expect(converted.bitPattern == exact.bitPattern)
            }
        }
    }

    @Test("a missing tensor and one of another shape are named, with both shapes")
    func wrongTensor() throws {
        var writer = SafetensorsWriter()
        writer.add("w", shape: [2, 1], floats: [1, 2])
        let file = try SafetensorsFile(writer.encoded(), name: "x.safetensors")
        let missing = try #require(throws: Problem.self) { try file.floats(of: "v") }
        #expect(missing.errorClass == "tensor_missing" && missing.reason.contains("no tensor v"))
        let shape = try #require(throws: Problem.self) { try file.floats(of: "w", shape: [1, 2]) }
        #expect(shape.errorClass == "tensor_shape" && shape.reason.contains("w has shape [2, 1], expected [1, 2]"))
        #expect(shape.location == "x.safetensors")
    }

    @Test("a file cut anywhere is refused and never read past its end")
    func truncated() throws {
        var writer = SafetensorsWriter()
        writer.add("w", shape: [4], floats: [1, 2, 3, 4])
        let whole = writer.encoded()
        for length in 0..<whole.count {
            #expect(try problem(Array(whole.prefix(length))).errorClass == "file_truncated", "\(length) bytes")
        }
    }

    @Test("a cut file is told by the first tensor that is not whole and both byte counts")
    func truncationMessage() throws {
        var writer = SafetensorsWriter()
        writer.add("w", shape: [4], floats: [1, 2, 3, 4])
        let whole = writer.encoded()
        let problem = try problem(Array(whole.dropLast(3)))
        #expect(problem.reason == "w ends at byte \(whole.count), the file has \(whole.count - 3).")
    }

    @Test(
        "a malformed header is refused",
        arguments: [
            ("", 0, "does not start with {"), ("[]", 0, "does not start with {"), ("{", 0, "no JSON"),
            (" {}", 0, "does not start with {"), ("{\"a\": 1}", 0, "a needs exactly"),
            ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "a needs exactly"),
            ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}", 4, "a needs exactly"),
            ("{\"a\":{\"dtype\":\"F33\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "unknown dtype F33"),
            ("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "dimension"),
            ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", 4, "dimension"),
            ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4, "data_offsets"),
            ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", 4, "data_offsets"),
            ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", 4, "data_offsets"),
            ("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "needs 8 bytes"),
            (
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,4]}}", 4,
                "more than 2^63"
            ),
            ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8, "belong to no tensor"),
            ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 8, "after the last tensor"),
            (
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
                    + "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[2,6]}}", 6, "b overlaps"
            ),
            (
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                    + "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2, "name twice"
            ),
            ("{\"__metadata__\":{\"a\":1}}", 0, "not a string"), ("{\"__metadata__\":1}", 0, "not an object"),
        ])
    func malformed(header: String, dataBytes: Int, reason: String) throws {
        let problem = try problem(file(header, dataBytes: dataBytes))
        #expect(problem.errorClass == "safetensors_malformed")
        #expect(problem.reason.contains(reason), "\(problem.reason)")
    }

    @Test("a header length beyond the limit is refused before anything is allocated")
    func hugeHeader() throws {
        #expect(try problem([UInt8](repeating: 0xFF, count: 64)).reason.contains("the limit is 100000000"))
    }

    @Test("a tensor that ends at 2^63 - 1 is cut short, and no sum with its end overflows")
    func endOfIntegers() throws {
        let header = "{\"a\":{\"dtype\":\"U8\",\"shape\":[\(Int.max)],\"data_offsets\":[0,\(Int.max)]}}"
        let problem = try problem(file(header, dataBytes: 4))
        #expect(problem.errorClass == "file_truncated")
        #expect(problem.reason.contains("a ends at byte \(UInt(Int.max) + UInt(8 + header.utf8.count)),"))
    }

    @Test("a shape of a thousand dimensions is refused in few words")
    func longShape() throws {
        let shape = String(repeating: "1,", count: 1000)
        let header = "{\"a\":{\"dtype\":\"U8\",\"shape\":[\(shape)2],\"data_offsets\":[0,4]}}"
        #expect(try problem(file(header, dataBytes: 4)).reason.utf8.count < 300)
        let fitting = try SafetensorsFile(
            file(header.replacingOccurrences(of: "[0,4]", with: "[0,2]"), dataBytes: 2), name: "x")
        let other = try #require(throws: Problem.self) { try fitting.floats(of: "a", shape: [2]) }
        #expect(other.errorClass == "tensor_shape" && other.reason.utf8.count < 300)
    }

    @Test("a header that is not UTF-8 is refused")
    func notUTF8() throws {
        let bytes: [UInt8] = [4, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0x22, 0xFF, 0x7D]
        #expect(try problem(bytes).reason.contains("not UTF-8"))
    }

    @Test("a file is mapped from its path, and one that is not there is named")
    func mapped() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).safetensors").path
        var writer = SafetensorsWriter()
        writer.add("w", shape: [2], floats: [1, 2])
        try Data(writer.encoded()).write(to: URL(filePath: path))
        defer { #expect(throws: Never.self) { try FileManager.default.removeItem(atPath: path) } }
        #expect(try SafetensorsFile(path: path).floats(of: "w") == [1, 2])
        let problem = try #require(throws: Problem.self) { try SafetensorsFile(path: "\(path).none") }
        #expect(problem.errorClass == "file_unreadable")
        #expect(problem.reason.contains("no such file"))
    }

    @Test("damage of any few bytes is refused or leaves a file whose every tensor can be read", arguments: 0..<20)
    func damaged(seed: Int) throws {
        var writer = SafetensorsWriter(metadata: ["k": "v"])
        writer.add("first", shape: [2, 2], floats: [1, 2, 3, 4])
        writer.add("second", shape: [3], int8s: [1, 2, 3])
        let whole = writer.encoded()
        var generator = SeededGenerator(state: UInt64(seed))
        for _ in 0..<500 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                bytes[Int.random(in: bytes.indices, using: &generator)] = .random(in: .min ... .max, using: &generator)
            }
            do {
                let file = try SafetensorsFile(bytes, name: "damaged")
                for tensor in file.tensors { #expect(try file.bytes(of: tensor.name).count == tensor.byteRange.count) }
            } catch let problem as Problem {
                #expect(["file_truncated", "safetensors_malformed"].contains(problem.errorClass), "seed \(seed)")
            }
        }
    }
}

/// Knuth's linear congruential generator (MMIX), enough to place damage and to place it again.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 32 | state << 32
    }
}
