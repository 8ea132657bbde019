/// Bytes of tokens as text, as they come: the bytes of a character that is not whole yet are held back.
///
/// What it gives, one after the other, is what all bytes at once would decode to; bytes that are no UTF-8 become U+FFFD.
public struct TextStream: Sendable {
    private var held: [UInt8] = []

    /// A stream without bytes yet.
    public init() {}

    /// The text that further bytes make whole; it may be empty.
    public mutating func text(_ bytes: [UInt8]) -> String {
        held += bytes
        let whole = held.count - Self.incomplete(held)
        defer { held.removeFirst(whole) }
        return String(decoding: held[..<whole], as: UTF8.self)
    }

    /// What is held back at the end.
    public mutating func end() -> String {
        defer { held.removeAll() }
        return String(decoding: held, as: UTF8.self)
    }

    /// How many bytes at the end are a character's first ones and not all of them.
    private static func incomplete(_ bytes: [UInt8]) -> Int {
        for (count, byte) in zip(1...3, bytes.reversed()) where byte & 0xC0 != 0x80 {
            let length = byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
            return length > count ? count : 0
        }
        return 0
    }
}
