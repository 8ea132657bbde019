/// A key of `rank_pattern` or `alpha_pattern`: PEFT matches a module's path with the regular expression `(.*\.)?(KEY)$`.
///
/// Of expressions only those are read that PEFT itself writes: plain text, in which a dot is any character, `\.`, and `^` and `$`
/// around it.
struct PEFTModulePattern: Equatable {
    /// What a path must end with, nil where any byte may stand.
    private let end: [UInt8?]
    /// Whether nothing may come before.
    private let isWhole: Bool

    /// Reads a key; nil where it is an expression of another form.
    init?(_ key: String) {
        var bytes = Array(key.utf8)[...]
        isWhole = bytes.first == UInt8(ascii: "^")
        if isWhole { bytes.removeFirst() }
        if bytes.last == UInt8(ascii: "$") { bytes.removeLast() }
        var end: [UInt8?] = []
        while let byte = bytes.popFirst() {
            switch byte {
            case UInt8(ascii: "."): end.append(nil)
            case UInt8(ascii: "\\"):
                guard bytes.popFirst() == UInt8(ascii: ".") else { return nil }
                end.append(UInt8(ascii: "."))
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                end.append(byte)
            default: return nil
            }
        }
        guard !end.isEmpty else { return nil }
        self.end = end
    }

    /// Whether a module of this path is meant.
    func matches(_ path: String) -> Bool {
        let bytes = Array(path.utf8)
        guard bytes.count >= end.count else { return false }
        let start = bytes.count - end.count
        let isAligned = start == 0 || !isWhole && bytes[start - 1] == UInt8(ascii: ".")
        return isAligned && zip(bytes[start...], end).allSatisfy { $1 == nil || $1 == $0 }
    }
}
