import Problem
import StrictJSON

/// Collects tensors and writes them as one safetensors file; the same tensors give the same bytes.
///
/// Tensors are laid out by element size, widest first, then by name, as the reference writer does, so that each starts
/// at a multiple of its element size; the header is padded with spaces to a multiple of 8.
public struct SafetensorsWriter: Sendable {
    private struct Entry {
        let name: String
        let elementType: ElementType
        let shape: [Int]
        let bytes: [UInt8]
    }

    private let metadata: [(key: String, value: String)]
    private var entries: [Entry] = []

    /// A file without tensors yet; `metadata` becomes its `__metadata__`, sorted by key, left out when empty.
    public init(metadata: [String: String] = [:]) {
        self.metadata = metadata.sorted { $0.key < $1.key }
    }

    /// Adds a tensor from its little-endian, row-major bytes.
    ///
    /// It is a programming error if the shape and the bytes disagree or if the name is taken.
    public mutating func add(_ name: String, type: ElementType, shape: [Int], bytes: [UInt8]) {
        precondition(name != SafetensorsHeader.metadataName, "\(name) is the name of the metadata")
        precondition(
            shape.reduce(type.byteCount, *) == bytes.count, "\(name) of shape \(shape) got \(bytes.count) bytes")
        precondition(
            !entries.contains { $0.name.utf8.elementsEqual(name.utf8) }, "two tensors are called \(name)")
        entries.append(Entry(name: name, elementType: type, shape: shape, bytes: bytes))
    }

    /// Adds a tensor of dtype F32.
    public mutating func add(_ name: String, shape: [Int], floats: [Float]) {
        add(name, type: .float32, shape: shape, bytes: littleEndian(floats.map(\.bitPattern)))
    }

    /// Adds a tensor of dtype I8.
    public mutating func add(_ name: String, shape: [Int], int8s: [Int8]) {
        add(name, type: .int8, shape: shape, bytes: int8s.map(UInt8.init(bitPattern:)))
    }

    /// Adds a tensor of dtype U8.
    public mutating func add(_ name: String, shape: [Int], uint8s: [UInt8]) {
        add(name, type: .uint8, shape: shape, bytes: uint8s)
    }

    /// Adds a tensor of dtype I32.
    public mutating func add(_ name: String, shape: [Int], int32s: [Int32]) {
        add(name, type: .int32, shape: shape, bytes: littleEndian(int32s.map(UInt32.init(bitPattern:))))
    }

    /// The bytes of the file.
    public func encoded() -> [UInt8] {
        let ordered = entries.sorted {
            $0.elementType.byteCount != $1.elementType.byteCount
                ? $0.elementType.byteCount > $1.elementType.byteCount : $0.name < $1.name
        }
        var members: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.map { "\(JSONText.quoted($0.key)):\(JSONText.quoted($0.value))" }
            members.append("\"\(SafetensorsHeader.metadataName)\":{\(pairs.joined(separator: ","))}")
        }
        var offset = 0
        for entry in ordered {
            let shape = entry.shape.map(String.init).joined(separator: ",")
            members.append(
                "\(JSONText.quoted(entry.name)):{\"dtype\":\"\(entry.elementType.rawValue)\",\"shape\":[\(shape)],"
                    + "\"data_offsets\":[\(offset),\(offset + entry.bytes.count)]}")
            offset += entry.bytes.count
        }
        var header = Array("{\(members.joined(separator: ","))}".utf8)
        header.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - header.count % 8) % 8))
        var file = littleEndian([UInt64(header.count)])
        file.reserveCapacity(8 + header.count + offset)
        file += header
        for entry in ordered { file += entry.bytes }
        return file
    }
}

/// The bytes of words, least significant first.
private func littleEndian<Word: FixedWidthInteger & UnsignedInteger>(_ words: [Word]) -> [UInt8] {
    let width = Word.bitWidth / 8
    return [UInt8](capacity: words.count * width) { bytes in
        for word in words {
            for byte in 0..<width { bytes.append(UInt8(truncatingIfNeeded: word >> Word(8 * byte))) }
        }
    }
}
