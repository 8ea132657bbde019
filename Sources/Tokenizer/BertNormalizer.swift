import Foundation

/// Text to words as BERT's basic tokenizer sees it: clean, space CJK ideographs, strip accents, lower-case, split at
/// white space and around punctuation.
///
/// The reference is `BertNormalizer` and `BertPreTokenizer` of github.com/huggingface/tokenizers. Character classes come
/// from Swift's `Unicode.Scalar.Properties`, decompositions from Foundation. The reference's tables of nonspacing marks,
/// controls and punctuation stopped at Unicode 8, so a character that is younger (``isKnownToReference(_:)``) is none of
/// these, and the few that changed class since are listed by hand. Compared over all scalars, only U+11938 differs: its
/// decomposition is younger than the reference's tables.
package struct BertNormalizer: Sendable, Equatable {
    /// Drop controls and turn every white space into U+0020.
    package var cleansText = true
    /// Put spaces around each CJK ideograph.
    package var spacesIdeographs = true
    /// Decompose and drop nonspacing marks.
    package var stripsAccents = true
    /// Map each scalar to lower case.
    package var lowercases = true

    /// The settings of BERT uncased.
    package init() {}

    /// Calls `body` with the UTF-8 bytes and the number of scalars of each word, in order.
    package func forEachWord(in text: Substring, _ body: (_ word: [UInt8], _ scalarCount: Int) -> Void) {
        var splitter = WordSplitter()
        if text.utf8.allSatisfy({ $0 < 0x80 }) {
            for byte in text.utf8 { ascii(byte, into: &splitter, body) }
        } else {
            for scalar in normalized(text) { splitter.take(scalar, body) }
        }
        splitter.endWord(body)
    }

    /// The same as the general path for text that needs no tables.
    private func ascii(_ byte: UInt8, into splitter: inout WordSplitter, _ body: ([UInt8], Int) -> Void) {
        switch byte {
        case 0x09, 0x0A, 0x0D, 0x20: splitter.endWord(body)
        case 0..<0x20, 0x7F:
            if !cleansText { splitter.take(Unicode.Scalar(byte), body) }
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): splitter.append(ascii: lowercases ? byte | 0x20 : byte)
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): splitter.append(ascii: byte)
        default: splitter.take(Unicode.Scalar(byte), body)
        }
    }

    /// The scalars after all four steps, in the reference's order.
    func normalized(_ text: Substring) -> [Unicode.Scalar] {
        var cleaned = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if cleansText && Self.isRemoved(scalar) { continue }
            let shown: Unicode.Scalar = cleansText && scalar.properties.isWhitespace ? " " : scalar
            if spacesIdeographs && Self.isIdeograph(shown) {
                cleaned.append(contentsOf: [" ", shown, " "])
            } else {
                cleaned.append(shown)
            }
        }
        var result: [Unicode.Scalar] = []
        if stripsAccents {
            for scalar in String(cleaned).decomposedStringWithCanonicalMapping.unicodeScalars
            where !Self.isNonspacingMark(scalar) {
                lowercase(scalar, into: &result)
            }
        } else {
            for scalar in cleaned { lowercase(scalar, into: &result) }
        }
        return result
    }

    private func lowercase(_ scalar: Unicode.Scalar, into result: inout [Unicode.Scalar]) {
        if lowercases && scalar.properties.changesWhenLowercased {
            result.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
        } else {
            result.append(scalar)
        }
    }

    // MARK: Classes of characters

    /// Whether the reference's tables, which stopped at Unicode 8, have a class for this scalar.
    static func isKnownToReference(_ scalar: Unicode.Scalar) -> Bool {
        guard let age = scalar.properties.age else { return false }
        return age.major <= 8
    }

    /// NUL, the replacement character, controls, formats and private use.
    static func isRemoved(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\t", "\n", "\r": false
        case "\u{0}", "\u{FFFD}": true
        default:
            switch scalar.properties.generalCategory {
            case .control, .format, .privateUse: isKnownToReference(scalar)
            default: false
            }
        }
    }

    static func isNonspacingMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x1734, 0x1171E: true
        case 0x1885, 0x1886, 0xA9BD, 0x111C9: false
        default: scalar.properties.generalCategory == .nonspacingMark && isKnownToReference(scalar)
        }
    }

    /// ASCII's printable non-alphanumerics, and the categories P*.
    static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 33...47, 58...64, 91...96, 123...126, 0x166D, 0x111C9: return true
        case 0..<0x80: return false
        default: break
        }
        switch scalar.properties.generalCategory {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
            .finalPunctuation, .otherPunctuation:
            return isKnownToReference(scalar)
        default: return false
        }
    }

    /// The blocks the reference puts spaces around; it starts the fifth extension at 2B920, where Unicode has 2B820.
    static func isIdeograph(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F,
            0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
            true
        default: false
        }
    }
}

/// Gathers scalars into words; a punctuation mark is a word of its own.
private struct WordSplitter {
    private var word: [UInt8] = []
    private var scalarCount = 0

    mutating func append(ascii byte: UInt8) {
        word.append(byte)
        scalarCount += 1
    }

    mutating func take(_ scalar: Unicode.Scalar, _ body: ([UInt8], Int) -> Void) {
        if scalar.properties.isWhitespace {
            endWord(body)
        } else if BertNormalizer.isPunctuation(scalar) {
            endWord(body)
            append(scalar)
            endWord(body)
        } else {
            append(scalar)
        }
    }

    mutating func endWord(_ body: ([UInt8], Int) -> Void) {
        guard scalarCount > 0 else { return }
        body(word, scalarCount)
        word.removeAll(keepingCapacity: true)
        scalarCount = 0
    }

    private mutating func append(_ scalar: Unicode.Scalar) {
        word.append(contentsOf: UTF8.encode(scalar) ?? Unicode.UTF8.encodedReplacementCharacter)
        scalarCount += 1
    }
}
