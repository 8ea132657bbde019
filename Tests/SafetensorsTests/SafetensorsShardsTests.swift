import Problem
import Safetensors
import Testing

@Suite struct SafetensorsShardsTests {
    private func file(_ name: String, _ tensors: [String: [Float]]) throws -> SafetensorsFile {
        var writer = SafetensorsWriter()
        for (tensor, values) in tensors { writer.add(tensor, shape: [values.count], floats: values) }
        return try SafetensorsFile(writer.encoded(), name: name)
    }

    private func shards(_ index: String) throws -> SafetensorsShards {
        try SafetensorsShards(index: Array(index.utf8), name: "index") { name in
            try file(name, name == "one.safetensors" ? ["a": [1, 2], "c": [5]] : ["b": [3]])
        }
    }

    @Test("tensors are found in the file that the index names, files are in the order of their names")
    func found() throws {
        let shards = try shards(
            #"{"metadata":{"total_size":12},"weight_map":{"b":"two.safetensors","a":"one.safetensors"}}"#)
        #expect(shards.files.map(\.name) == ["one.safetensors", "two.safetensors"])
        #expect(try shards.floats(of: "a", shape: [2]) == [1, 2])
        #expect(try shards.floats(of: "b") == [3])
        #expect(shards.contains("a") && !shards.contains("c"), "what the index does not name is not there")
        #expect(throws: Problem.self) { try shards.floats(of: "c") }
        #expect(throws: Problem.self) { try shards.floats(of: "a", shape: [3]) }
    }

    @Test("a single file needs no index")
    func single() throws {
        let shards = SafetensorsShards(try file("x", ["a": [1]]))
        #expect(shards.contains("a") && !shards.contains("b"))
        #expect(try shards.floats(of: "a") == [1])
    }

    @Test(
        "an index that is no index, leads out of its folder or promises what a file lacks is refused",
        arguments: [
            ("{", "index_malformed"), ("[]", "index_malformed"), (#"{"weight_map":{}}"#, "index_malformed"),
            (#"{"weight_map":{"a":1}}"#, "index_malformed"),
            (#"{"weight_map":{"a":"../one.safetensors"}}"#, "index_malformed"),
            (#"{"weight_map":{"a":"/one.safetensors"}}"#, "index_malformed"),
            (#"{"weight_map":{"a":"one.bin"}}"#, "index_malformed"),
            (#"{"weight_map":{"z":"one.safetensors"}}"#, "tensor_missing"),
        ])
    func refused(index: String, errorClass: String) throws {
        let problem = try #require(throws: Problem.self) { try shards(index) }
        #expect(problem.errorClass == errorClass)
    }

    @Test("a tensor of an endless name is missed in few words")
    func longName() throws {
        let index = #"{"weight_map":{"\#(String(repeating: "z", count: 10_000))":"one.safetensors"}}"#
        let problem = try #require(throws: Problem.self) { try shards(index) }
        #expect(problem.errorClass == "tensor_missing" && problem.reason.utf8.count < 300)
    }
}
