import Adapters
import Problem
import Tensor
import Testing

@Suite struct SparseUserDeltaTests {
    /// Thirteen entries in three groups, a head of five weights.
    private let shape = SparseUserDelta.Shape(
        groups: EntryGroups(count: 3, groupOfEntry: [0, 0, 1, 2, 0, 1, 1, 2, 2, 0, 1, 2, 2]), width: 5)

    private func numbers(_ count: Int, seed: UInt64) -> [Float] {
        var random = RandomSource(seed: seed)
        return (0..<count).map { _ in Float(random.normal()) }
    }

    @Test("what is stored is read back: kept entries and the head within half a step, the others zero, the bias exact")
    func roundTrip() throws {
        for (precision, heads, kept) in [
            (SparseUserDelta.Precision.int8, SparseUserDelta.Precision.int8, [true, false, true]),
            (.int8, .int4, [true, true, true]), (.int4, .int8, [false, true, false]),
            (.int4, .int4, [false, false, false]),
        ] {
            let (entries, head) = (numbers(13, seed: 1), numbers(5, seed: 2))
            let delta = try #require(
                SparseUserDelta(rounding: entries, kept: kept, head: head, bias: -0.375, (precision, heads), shape))
            let bytes = delta.encoded()
            let read = try SparseUserDelta(decoding: bytes, shape, at: "test")
            #expect(read == delta && read.encoded() == bytes)
            let dense = read.dense()
            #expect(dense.bias == -0.375)
            let count = zip(shape.groups.groupOfEntry, 0...).count { kept[$0.0] }
            let mask = kept.contains(false) ? 1 : 0
            #expect(
                bytes.count == 16 + mask + (precision == .int8 ? count : (count + 1) / 2) + (heads == .int8 ? 5 : 3))
            for (entry, value) in dense.entries.enumerated() where !kept[shape.groups.groupOfEntry[entry]] {
                #expect(value == 0)
            }
            guard precision == .int8 else { continue }
            let own = entries.indices.filter { kept[shape.groups.groupOfEntry[$0]] }
            let step = own.reduce(0) { max($0, abs(entries[$1])) } / 127
            #expect(own.allSatisfy { abs(dense.entries[$0] - entries[$0]) <= step * 0.50001 })
            guard heads == .int8 else { continue }
            let headStep = head.reduce(0) { max($0, abs($1)) } / 127
            #expect(zip(dense.head, head).allSatisfy { abs($0 - $1) <= headStep * 0.50001 })
        }
    }

    @Test("four bits are off by no more than a scale by the largest value would make them, squared and summed")
    func fourBits() throws {
        let wide = SparseUserDelta.Shape(groups: .single(400), width: 400)
        let values = numbers(400, seed: 5)
        let delta = try #require(
            SparseUserDelta(
                rounding: values, kept: [Bool](repeating: true, count: 400), head: values, bias: 0, (.int4, .int4), wide
            ))
        let step = values.reduce(0) { max($0, abs($1)) } / 7
        func error(_ rounded: [Float]) -> Float {
            zip(values, rounded).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        }
        let plain = error(values.map { ($0 / step).rounded(.toNearestOrEven) * step })
        #expect(error(delta.dense().entries) < plain && delta.dense().entries == delta.dense().head)
    }

    @Test("numbers that are none are not stored, and movements of nothing or nearly nothing are zeros")
    func limits() throws {
        let all = [true, true, true]
        let (zeros, head) = ([Float](repeating: 0, count: 13), [Float](repeating: 0, count: 5))
        for bad in [Float.nan, .infinity] {
            #expect(
                SparseUserDelta(
                    rounding: [bad] + zeros.dropFirst(), kept: all, head: head, bias: 0, (.int8, .int8), shape) == nil)
            #expect(SparseUserDelta(rounding: zeros, kept: all, head: head, bias: bad, (.int8, .int8), shape) == nil)
            #expect(
                SparseUserDelta(rounding: zeros, kept: all, head: [bad, 0, 0, 0, 0], bias: 0, (.int4, .int4), shape)
                    == nil)
        }
        for precision in SparseUserDelta.Precision.allCases {
            let tiny = [Float.leastNonzeroMagnitude] + zeros.dropFirst()
            let delta = try #require(
                SparseUserDelta(rounding: tiny, kept: all, head: head, bias: 0, (precision, precision), shape))
            #expect(delta.dense().entries == zeros)
            #expect(try SparseUserDelta(decoding: delta.encoded(), shape, at: "test") == delta)
        }
    }

    @Test("a byte that was not written is refused, whatever it is")
    func refuses() throws {
        let (entries, head) = (numbers(13, seed: 3), numbers(5, seed: 4))
        for precision in SparseUserDelta.Precision.allCases {
            let good = try #require(
                SparseUserDelta(
                    rounding: entries, kept: [true, false, true], head: head, bias: 1, (precision, precision), shape)
            ).encoded()
            func expectRefused(_ bytes: [UInt8], _ what: String) {
                let problem = #expect(throws: Problem.self, "\(what)") {
                    _ = try SparseUserDelta(decoding: bytes, shape, at: "test")
                }
                #expect(problem?.errorClass == "adapter_malformed")
            }
            for count in 0..<good.count { expectRefused(Array(good[..<count]), "\(count) bytes") }
            expectRefused(good + [0], "a byte more")
            func changed(_ offset: Int, _ value: UInt8) -> [UInt8] {
                var bytes = good
                bytes[offset] = value
                return bytes
            }
            for (offset, value, what) in [
                (0, UInt8(0), "format"), (1, 5, "bits"), (2, 16, "bits"), (3, 2, "mark"), (7, 0xBF, "negative scale"),
                (16, 0b111, "a mask of all"), (16, 0b1101, "a group past the last"), (16, 0b001, "fewer entries"),
            ] { expectRefused(changed(offset, value), what) }
            let newer = #expect(throws: Problem.self) {
                _ = try SparseUserDelta(decoding: changed(0, 2), shape, at: "test")
            }
            #expect(newer?.errorClass == "payload_newer")
            var infinite = good
            infinite.replaceSubrange(12..<16, with: [0, 0, 0x80, 0x7F])
            expectRefused(infinite, "bias")
            // The least value of eight bits, and of four.
            expectRefused(changed(good.count - 1, precision == .int8 ? 0x80 : 0x08), "least")
            if precision == .int4 { expectRefused(changed(good.count - 1, 0x10), "half a byte past the last") }
        }
    }

    @Test("what is too large to be read back is not stored", arguments: SparseUserDelta.Precision.allCases)
    func huge(precision: SparseUserDelta.Precision) throws {
        for size: Float in [1e36, 1e37, 1e38, .greatestFiniteMagnitude] {
            let delta = SparseUserDelta(
                rounding: [Float](repeating: size, count: 13), kept: [true, true, true], head: numbers(5, seed: 4),
                bias: 0, (precision, .int8), shape)
            guard let delta else { continue }
            #expect(try SparseUserDelta(decoding: delta.encoded(), shape, at: "test") == delta, "\(size)")
        }
        let small = SparseUserDelta(
            rounding: [Float](repeating: 1e30, count: 13), kept: [true, true, true], head: numbers(5, seed: 4), bias: 0,
            (precision, .int8), shape)
        #expect(small != nil)
    }

    @Test("any change of a byte is refused or read as another delta that is written as it was read")
    func mutations() throws {
        let good = try #require(
            SparseUserDelta(
                rounding: numbers(13, seed: 3), kept: [true, false, true], head: numbers(5, seed: 4), bias: 1,
                (.int4, .int8), shape)
        ).encoded()
        for offset in good.indices {
            for value in UInt8.min...UInt8.max {
                var bytes = good
                bytes[offset] = value
                guard let read = try? SparseUserDelta(decoding: bytes, shape, at: "test") else { continue }
                #expect(read.encoded() == bytes, "\(offset): \(value)")
                let dense = read.dense()
                let finite = (dense.entries + dense.head + [dense.bias]).allSatisfy { $0.isFinite }
                #expect(finite)
            }
        }
    }

    @Test("groups of rows are whole rows in the order of their worth, of nearly equal sizes, none of them empty")
    func groups() {
        var random = RandomSource(seed: 8)
        for count in [1, 4, 16] {
            let rows = (0..<2048).map { _ in Int32(random.index(below: 60)) }.sorted()
            let worth = (0..<60).map { _ in Float(random.normal()) }
            let groups = EntryGroups.rows(rows, count: count) { worth[Int($0)] }
            var groupOfRow: [Int32: Int] = [:]
            for (row, group) in zip(rows, groups.groupOfEntry) {
                #expect(groupOfRow.updateValue(group, forKey: row) ?? group == group)
            }
            let ranked = groupOfRow.sorted { worth[Int($0.key)] > worth[Int($1.key)] }.map(\.value)
            #expect(ranked == ranked.sorted() && Set(ranked) == Set(0..<count))
            let largest = Dictionary(grouping: rows) { $0 }.map(\.value.count).max() ?? 0
            #expect(groups.sizes.allSatisfy { abs($0 - 2048 / count) <= largest }, "\(groups.sizes)")
            #expect(groups.sizes.reduce(0, +) == 2048)
        }
        // A row of most entries leaves the others a group each.
        let uneven = EntryGroups.rows([0, 0, 0, 0, 0, 0, 1, 2], count: 3) { -Float($0) }
        #expect(uneven.groupOfEntry == [0, 0, 0, 0, 0, 0, 1, 2])
        #expect(uneven.norms(of: [1, 0, 0, 2, 0, 2, 5, -7]) == [3, 5, 7])
        #expect(uneven.entries(of: [false, true, false]) == [false, false, false, false, false, false, true, false])
    }
}
