import Problem
import Safetensors

extension FuzzTarget {
    /// Any safetensors file: every tensor is read as every type, and what was read is written and read again.
    static let safetensors = FuzzTarget("safetensors") { bytes in
        let file = try SafetensorsFile(bytes, name: "fuzzed")
        var writer = SafetensorsWriter(metadata: file.metadata)
        for tensor in file.tensors {
            promise(file.contains(tensor.name))
            let content = try file.bytes(of: tensor.name)
            promise(content.count == tensor.byteRange.count)
            try Self.ifItHasTheType {
                let values = try file.floats(of: tensor.name, shape: tensor.shape)
                promise(values.count == tensor.elementCount)
            }
            try Self.ifItHasTheType { try promise(file.int8s(of: tensor.name).count == content.count) }
            try Self.ifItHasTheType { try promise(file.uint8s(of: tensor.name).count == content.count) }
            try Self.ifItHasTheType { try promise(file.int32s(of: tensor.name).count == content.count / 4) }
            try Self.ifItHasTheType { try promise(file.int64s(of: tensor.name).count == content.count / 8) }
            writer.add(tensor.name, type: tensor.elementType, shape: tensor.shape, bytes: content)
        }
        let copy = again { try SafetensorsFile(writer.encoded(), name: "copy") }
        promise(copy.metadata == file.metadata && copy.tensors.count == file.tensors.count)
        for tensor in file.tensors {
            let same = try copy.description(of: tensor.name)
            promise(same.shape == tensor.shape && same.elementType == tensor.elementType)
            try promise(copy.bytes(of: tensor.name) == file.bytes(of: tensor.name))
        }
    }

    /// `model.safetensors.index.json` beside two files, of which one holds the tensors a and b, the other c.
    static let safetensorsIndex = FuzzTarget("safetensors-index") { bytes in
        let shards = try SafetensorsShards(index: bytes, name: "fuzzed") { name in
            promise(!name.contains("/"), "an index leads out of its folder")
            guard let tensors = ["1.safetensors": ["a", "b"], "2.safetensors": ["c"]][name] else {
                throw Problem("file_unreadable", at: Problem.excerpt(name), "no such file.", do: "fetch it.")
            }
            var writer = SafetensorsWriter()
            for tensor in tensors { writer.add(tensor, shape: [2], floats: [1, 2]) }
            return try SafetensorsFile(writer.encoded(), name: name)
        }
        try promise(shards.files.map(\.name) == SafetensorsShards.fileNames(index: bytes, name: "fuzzed"))
        for tensor in ["a", "b", "c"] where shards.contains(tensor) {
            try promise(shards.floats(of: tensor, shape: [2]) == [1, 2])
        }
    }

    /// A tensor is read as the type that it has, and refused by that name as others.
    private static func ifItHasTheType(_ read: () throws -> Void) throws {
        do {
            try read()
        } catch let problem as Problem where problem.errorClass == "tensor_type" {
            return
        }
    }
}
