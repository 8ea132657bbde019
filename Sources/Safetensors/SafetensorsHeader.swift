import Problem
import StrictJSON

/// The header of a safetensors file, checked against the size of the file.
///
/// | offset | size | type | meaning |
/// |---|---|---|---|
/// | 0 | 8 | u64, little-endian | N, the bytes of the header |
/// | 8 | N | UTF-8 JSON, may end in spaces | `{"__metadata__": {string: string}, name: {"dtype", "shape", "data_offsets"}}` |
/// | 8 + N | rest | little-endian, row-major | the tensors, without gap or overlap; offsets count from here |
///
/// Source: the format section of github.com/huggingface/safetensors. As there, a header above 100 MB is refused, the
/// tensors must cover the rest of the file exactly, and a name may appear once.
struct SafetensorsHeader {
    static let byteLimit = 100_000_000
    static let metadataName = "__metadata__"

    /// The bytes before the first tensor: 8 + N.
    let byteCount: Int
    let metadata: [String: String]
    /// In the order of their bytes.
    let tensors: [TensorDescription]

    /// How many bytes the header takes, from the first eight of the file.
    static func length(firstBytes: [UInt8], fileByteCount: Int, file: String) throws -> Int {
        guard firstBytes.count == 8 else {
            throw Problem(
                "file_truncated", at: file, "a safetensors file starts with 8 bytes, this one has \(fileByteCount).",
                do: "fetch it again.")
        }
        let length = firstBytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= byteLimit else {
            throw malformed(file, "the header claims \(length) bytes, the limit is \(byteLimit)")
        }
        guard 8 + Int(length) <= fileByteCount else {
            throw Problem(
                "file_truncated", at: file,
                "the header ends at byte \(8 + length), the file has \(fileByteCount).", do: "fetch it again.")
        }
        return Int(length)
    }

    /// Reads the JSON of a header.
    ///
    /// - Parameters:
    ///   - json: the N bytes after the length.
    ///   - fileByteCount: the size of the whole file.
    ///   - file: its name, for errors.
    init(json: [UInt8], fileByteCount: Int, file: String) throws {
        byteCount = 8 + json.count
        guard json.first == UInt8(ascii: "{") else { throw Self.malformed(file, "the header does not start with {") }
        let root: JSONValue
        do {
            root = try JSONValue(parsing: json, depthLimit: 4)
        } catch {
            throw Self.malformed(file, "the header is no JSON at \(error)")
        }
        var metadata: [String: String] = [:]
        var tensors: [TensorDescription] = []
        for member in root.object?.members ?? [] {
            if member.name == Self.metadataName {
                metadata = try Self.metadata(member.value, file: file)
            } else {
                tensors.append(try Self.tensor(member, file: file))
            }
        }
        tensors.sort {
            ($0.byteRange.lowerBound, $0.byteRange.upperBound) < ($1.byteRange.lowerBound, $1.byteRange.upperBound)
        }
        try Self.checkCoverage(tensors, dataStart: 8 + json.count, fileByteCount: fileByteCount, file: file)
        self.metadata = metadata
        self.tensors = tensors
    }

    private static func metadata(_ value: JSONValue, file: String) throws -> [String: String] {
        guard let members = value.object?.members else { throw malformed(file, "__metadata__ is not an object") }
        var metadata: [String: String] = [:]
        for member in members {
            guard let text = member.value.string else {
                throw malformed(file, "__metadata__ holds a value that is not a string")
            }
            guard metadata.updateValue(text, forKey: member.name) == nil else {
                throw malformed(file, "__metadata__ names one key in two Unicode spellings")
            }
        }
        return metadata
    }

    private static func tensor(_ member: JSONObject.Member, file: String) throws -> TensorDescription {
        let name = Problem.excerpt(member.name)
        guard let fields = member.value.object, fields.members.count == 3,
            let typeName = fields["dtype"]?.string, let dimensions = fields["shape"]?.array,
            let offsets = fields["data_offsets"]?.array
        else { throw malformed(file, "\(name) needs exactly dtype, shape and data_offsets") }
        guard let elementType = ElementType(rawValue: typeName) else {
            throw malformed(file, "\(name) has the unknown dtype \(Problem.excerpt(typeName))")
        }
        let shape = dimensions.compactMap(\.integer)
        guard shape.count == dimensions.count, shape.allSatisfy({ $0 >= 0 }) else {
            throw malformed(file, "\(name) has a dimension that is not a whole number from 0 to 2^63 - 1")
        }
        let bounds = offsets.compactMap(\.integer)
        guard bounds.count == 2, offsets.count == 2, 0 <= bounds[0], bounds[0] <= bounds[1] else {
            throw malformed(file, "\(name) has data_offsets that are not [begin, end] with 0 <= begin <= end")
        }
        var byteCount = elementType.byteCount
        for dimension in shape {
            let (product, overflow) = byteCount.multipliedReportingOverflow(by: dimension)
            guard !overflow else { throw malformed(file, "\(name) has a shape of more than 2^63 bytes") }
            byteCount = product
        }
        guard byteCount == bounds[1] - bounds[0] else {
            throw malformed(
                file,
                "\(name) of shape \(Problem.excerpt("\(shape)")) and dtype \(typeName) needs \(byteCount) bytes, its offsets span "
                    + "\(bounds[1] - bounds[0])")
        }
        return TensorDescription(
            name: member.name, elementType: elementType, shape: shape, byteRange: bounds[0]..<bounds[1])
    }

    private static func checkCoverage(
        _ tensors: [TensorDescription], dataStart: Int, fileByteCount: Int, file: String
    ) throws {
        let dataByteCount = fileByteCount - dataStart
        var end = 0
        for tensor in tensors {
            let name = Problem.excerpt(tensor.name)
            if tensor.byteRange.lowerBound < end {
                throw malformed(
                    file, "\(name) overlaps the tensor before it by \(end - tensor.byteRange.lowerBound) bytes")
            }
            if tensor.byteRange.lowerBound > end {
                throw malformed(file, "\(tensor.byteRange.lowerBound - end) bytes before \(name) belong to no tensor")
            }
            end = tensor.byteRange.upperBound
            guard end <= dataByteCount else {
                throw Problem(
                    "file_truncated", at: file,
                    // An end may be anything up to 2^63 - 1, and the header comes on top.
                    "\(name) ends at byte \(UInt(dataStart) + UInt(end)), the file has \(fileByteCount).",
                    do: "fetch it again.")
            }
        }
        guard end == dataByteCount else {
            throw malformed(file, "\(dataByteCount - end) bytes after the last tensor belong to no tensor")
        }
    }

    static func malformed(_ file: String, _ reason: String) -> Problem {
        Problem(
            "safetensors_malformed", at: file, reason + ".",
            do: "fetch it again; if it stays so, write it anew with a safetensors library.")
    }
}
