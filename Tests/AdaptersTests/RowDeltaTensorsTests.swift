import Adapters
import Problem
import Safetensors
import Testing

@Suite struct RowDeltaTensorsTests {
    private func file(_ delta: RowDelta) throws -> SafetensorsFile {
        var writer = SafetensorsWriter()
        delta.write(to: &writer)
        return try SafetensorsFile(writer.encoded(), name: "adapter")
    }

    @Test("a delta written to a file reads back equal, an empty one too")
    func roundTrips() throws {
        let dense: [Float] = (0..<21).map { Float($0) - 10 }
        for rows in [Array(0..<21), [0, 8, 20], []] {
            let delta = try #require(RowDelta(quantizing: dense, keeping: rows, bias: -0.5))
            #expect(try RowDelta(reading: file(delta), width: 21) == delta)
        }
    }

    @Test("a delta of another width is refused")
    func refusesOtherWidths() throws {
        let delta = try #require(RowDelta(quantizing: [1, 2, 3], keeping: [0, 2], bias: 0))
        #expect(throws: Problem.self) { _ = try RowDelta(reading: file(delta), width: 16) }
        #expect(throws: Problem.self) { _ = try RowDelta(reading: file(delta), width: 2) }
    }
}
