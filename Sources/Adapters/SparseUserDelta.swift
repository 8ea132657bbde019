public import Problem

/// What a user of a sparse adapter stores: the difference to the shared start at some entries of the shared support, and to the
/// start's head, each in int8 or int4 with one scale.
///
/// | offset | size | type | meaning |
/// |---|---|---|---|
/// | 0 | 1 | u8 | format: 1 |
/// | 1 | 1 | u8 | bits of an entry's value: 8 or 4 |
/// | 2 | 1 | u8 | bits of a head's value: 8 or 4 |
/// | 3 | 1 | u8 | 1: a mask of groups follows the bias; 0: every group is kept |
/// | 4 | 4 | f32 | what a step of an entry's value is worth |
/// | 8 | 4 | f32 | what a step of a head's value is worth |
/// | 12 | 4 | f32 | difference to the head's bias |
/// | 16 | ⌈groups / 8⌉ or 0 | bits | kept groups; group g is bit g % 8, from the lowest, of byte g / 8 |
/// | then | ⌈kept entries · bits / 8⌉ | ints | the entries' values in ascending order of entries |
/// | then | ⌈width · bits / 8⌉ | ints | the head's values |
///
/// Little-endian; of two 4-bit values the first is the lower half of a byte. Values are two's complement, the least one unused.
public struct SparseUserDelta: Sendable, Equatable {
    /// What the recipe knows: nothing of it is stored with a user.
    public struct Shape: Sendable, Equatable {
        /// Entries of the shared support and the groups they are kept by.
        public let groups: EntryGroups
        /// Weights of the head.
        public let width: Int

        /// States a shape.
        public init(groups: EntryGroups, width: Int) { (self.groups, self.width) = (groups, width) }
    }

    /// Bits a value.
    public enum Precision: UInt8, Sendable, CaseIterable, Codable {
        /// `-127...127`.
        case int8 = 8
        /// `-7...7`.
        case int4 = 4

        /// The largest value.
        var largest: Float { self == .int8 ? 127 : 7 }
        /// Bytes of some values.
        func bytes(_ count: Int) -> Int { (count * Int(rawValue) + 7) / 8 }
    }

    private static let headerBytes = 16

    /// What it is a difference of.
    public let shape: Shape
    /// How entries and head are stored.
    public let precision: (entries: Precision, head: Precision)
    /// `[groups]`.
    public let kept: [Bool]
    /// Of kept entries, ascending.
    let entries: (values: [Int8], scale: Float)
    /// `[width]`.
    let head: (values: [Int8], scale: Float)
    /// Difference to the head's bias.
    public let bias: Float

    /// Rounds a user's movement.
    ///
    /// - Parameters:
    ///   - entries: `[entries]`, the difference to the start; of groups that are not kept it is left out.
    ///   - head: `[width]`.
    /// - Returns: nil when a number is not finite: such an adaptation diverged and is not stored.
    public init?(
        rounding entries: [Float], kept: [Bool], head: [Float], bias: Float,
        _ precision: (entries: Precision, head: Precision), _ shape: Shape
    ) {
        precondition(entries.count == shape.groups.groupOfEntry.count && head.count == shape.width, "another shape")
        let own = zip(entries, shape.groups.entries(of: kept)).filter(\.1).map(\.0)
        guard let entries = Self.round(own, precision.entries), let head = Self.round(head, precision.head),
            // What a reader asks of the three numbers.
            [entries.scale, head.scale, bias].allSatisfy({ ($0 * Precision.int8.largest).isFinite })
        else { return nil }
        (self.shape, self.precision, self.kept, self.bias) = (shape, precision, kept, bias)
        (self.entries, self.head) = (entries, head)
    }

    /// The values of least squared error among some scales: the largest magnitude is often not worth its cost in 4 bits. Nil where a
    /// number is not finite.
    package static func round(_ values: [Float], _ precision: Precision) -> (values: [Int8], scale: Float)? {
        var largest: Float = 0
        for value in values {
            guard value.isFinite else { return nil }
            largest = max(largest, abs(value))
        }
        guard largest > 0 else { return ([Int8](repeating: 0, count: values.count), 0) }
        let shrinks: [Float] = precision == .int8 ? [1] : [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
        var best: (values: [Int8], scale: Float, error: Double)?
        for shrink in shrinks {
            let scale = shrink * largest / precision.largest
            guard scale > 0 else { continue }
            let steps = values.map { value in
                Int8(max(-precision.largest, min(precision.largest, (value / scale).rounded(.toNearestOrEven))))
            }
            let error = zip(values, steps).reduce(0.0) { sum, pair in
                let off = Double(pair.0 - Float(pair.1) * scale)
                return sum + off * off
            }
            if error < best?.error ?? .infinity { best = (steps, scale, error) }
        }
        // Magnitudes so small that a step of them is zero are zero.
        return best.map { ($0.values, $0.scale) } ?? ([Int8](repeating: 0, count: values.count), 0)
    }

    /// The differences: `[entries]`, zero where not kept, `[width]`, and the bias's.
    public func dense() -> (entries: [Float], head: [Float], bias: Float) {
        var (next, all) = (0, [Float](repeating: 0, count: shape.groups.groupOfEntry.count))
        for (entry, isKept) in shape.groups.entries(of: kept).enumerated() where isKept {
            all[entry] = Float(entries.values[next]) * entries.scale
            next += 1
        }
        return (all, head.values.map { Float($0) * head.scale }, bias)
    }

    /// Whether all of it is the same.
    public static func == (left: SparseUserDelta, right: SparseUserDelta) -> Bool {
        left.shape == right.shape && left.encoded() == right.encoded()
    }
}

extension SparseUserDelta {
    /// The bytes that are stored.
    public func encoded() -> [UInt8] {
        let isMasked = kept.contains(false)
        var bytes: [UInt8] = [1, precision.entries.rawValue, precision.head.rawValue, isMasked ? 1 : 0]
        for number in [entries.scale, head.scale, bias] {
            bytes += (0..<4).map { UInt8(truncatingIfNeeded: number.bitPattern >> UInt32(8 * $0)) }
        }
        if isMasked {
            var mask = [UInt8](repeating: 0, count: (kept.count + 7) / 8)
            for group in kept.indices where kept[group] { mask[group >> 3] |= 1 << UInt8(group & 7) }
            bytes += mask
        }
        return bytes + Self.pack(entries.values, precision.entries) + Self.pack(head.values, precision.head)
    }

    /// Reads what ``encoded()`` wrote.
    ///
    /// - Parameters:
    ///   - shape: of the recipe it was made with.
    ///   - location: the file or object, for errors.
    /// - Throws: `adapter_malformed` when a byte is not one that ``encoded()`` writes; `payload_newer`.
    public init(decoding bytes: [UInt8], _ shape: Shape, at location: String) throws(Problem) {
        func refuse(_ reason: String) -> Problem {
            Problem(
                "adapter_malformed", at: location, reason, do: "fetch it again; if it stays so, adapt the user anew.")
        }
        guard bytes.count >= Self.headerBytes, bytes[0] >= 1 else { throw refuse("it is no sparse delta.") }
        guard bytes[0] == 1 else {
            throw Problem(
                "payload_newer", at: location, "sparse delta version \(bytes[0]), this attune reads up to 1.",
                do: "install the newer attune; nothing was changed.")
        }
        guard let own = Precision(rawValue: bytes[1]), let heads = Precision(rawValue: bytes[2]) else {
            throw refuse("values of \(bytes[1]) and \(bytes[2]) bits, not 8 or 4.")
        }
        guard bytes[3] <= 1 else { throw refuse("the mask's mark is \(bytes[3]), not 0 or 1.") }
        let numbers = (0..<3).map { number in
            Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[4 + 4 * number + $1]) << UInt32(8 * $1) })
        }
        guard numbers.allSatisfy({ ($0 * Precision.int8.largest).isFinite }), numbers[0] >= 0, numbers[1] >= 0 else {
            throw refuse("scales \(numbers[0]), \(numbers[1]) or bias \(numbers[2]) are none an adapter can have.")
        }
        let groups = shape.groups.count
        var (first, kept) = (Self.headerBytes, [Bool](repeating: true, count: groups))
        if bytes[3] == 1 {
            let end = first + (groups + 7) / 8
            guard bytes.count >= end else { throw refuse("\(bytes.count) bytes end within the mask.") }
            kept = (0..<groups).map { bytes[first + $0 >> 3] >> UInt8($0 & 7) & 1 == 1 }
            guard kept.contains(false) else { throw refuse("a mask that leaves nothing out.") }
            if groups % 8 != 0, bytes[end - 1] >> UInt8(groups % 8) != 0 { throw refuse("a group past \(groups).") }
            first = end
        }
        let count = shape.groups.entries(of: kept).count(where: \.self)
        let middle = first + own.bytes(count)
        guard bytes.count == middle + heads.bytes(shape.width) else {
            throw refuse("\(bytes.count) bytes for \(count) entries and \(shape.width) weights.")
        }
        guard let entries = Self.unpack(bytes[first..<middle], count, own),
            let head = Self.unpack(bytes[middle...], shape.width, heads)
        else { throw refuse("a value is the least of its bits, or half a byte past the last is not zero.") }
        (self.shape, precision, self.kept, bias) = (shape, (own, heads), kept, numbers[2])
        (self.entries, self.head) = ((entries, numbers[0]), (head, numbers[1]))
    }

    private static func pack(_ values: [Int8], _ precision: Precision) -> [UInt8] {
        guard precision == .int4 else { return values.map { UInt8(bitPattern: $0) } }
        var bytes = [UInt8](repeating: 0, count: precision.bytes(values.count))
        for (index, value) in values.enumerated() {
            bytes[index >> 1] |= (UInt8(bitPattern: value) & 15) << UInt8(4 * (index & 1))
        }
        return bytes
    }

    /// Nil where a value is the least of its bits or what fills the last byte is not zero.
    private static func unpack(_ bytes: ArraySlice<UInt8>, _ count: Int, _ precision: Precision) -> [Int8]? {
        let values: [Int8]
        if precision == .int8 {
            values = bytes.map { Int8(bitPattern: $0) }
        } else {
            // A half is moved up, so that its sign is the byte's, and down again.
            let halves = bytes.flatMap { [Int8(bitPattern: $0 << 4) >> 4, Int8(bitPattern: $0) >> 4] }
            guard halves.dropFirst(count).allSatisfy({ $0 == 0 }) else { return nil }
            values = Array(halves.prefix(count))
        }
        return values.contains { Float($0) < -precision.largest } ? nil : values
    }
}
