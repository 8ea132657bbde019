/// How a byte-level tokenizer cuts text into words before it merges inside them: two regular expressions that whole families
/// share, each matched by hand from the left.
///
///     GPT-2    's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
///     Llama 3  (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
struct WordPattern: Sendable {
    /// Which of the two.
    enum Family: Sendable {
        case gpt2
        /// With the most digits of a word.
        case llama3(digits: Int)
    }

    let family: Family

    /// Calls `body` with each word, as UTF-8, in order; together they are the text.
    func forEachWord(in text: Substring, _ body: ([UInt8]) -> Void) {
        let scalars = Array(text.unicodeScalars)
        let kinds = scalars.map(Kind.init)
        var start = 0
        while start < scalars.count {
            let end =
                switch family {
                case .gpt2: gpt2End(scalars, kinds, from: start)
                case .llama3(let digits): llama3End(scalars, kinds, from: start, digits: digits)
                }
            var word: [UInt8] = []
            word.reserveCapacity(2 * (end - start))
            for scalar in scalars[start..<end] { word.append(contentsOf: String(scalar).utf8) }
            body(word)
            start = end
        }
    }

    private func gpt2End(_ scalars: [Unicode.Scalar], _ kinds: [Kind], from start: Int) -> Int {
        if let end = contractionEnd(scalars, from: start, foldsCase: false) { return end }
        let first = scalars[start] == " " ? start + 1 : start
        if first < kinds.count, !kinds[first].isSpace {
            let kind = kinds[first]
            return run(kinds, from: first) { $0 == kind }
        }
        return spaceEnd(kinds, from: start)
    }

    private func llama3End(_ scalars: [Unicode.Scalar], _ kinds: [Kind], from start: Int, digits: Int) -> Int {
        if let end = contractionEnd(scalars, from: start, foldsCase: true) { return end }
        let kind = kinds[start]
        if kind == .letter { return run(kinds, from: start) { $0 == .letter } }
        if kind == .other || kind == .space, start + 1 < kinds.count, kinds[start + 1] == .letter {
            return run(kinds, from: start + 1) { $0 == .letter }
        }
        if kind == .number {
            return min(run(kinds, from: start) { $0 == .number }, start + digits)
        }
        let first = scalars[start] == " " ? start + 1 : start
        if first < kinds.count, kinds[first] == .other {
            let end = run(kinds, from: first) { $0 == .other }
            return run(kinds, from: end) { $0 == .newline }
        }
        let end = run(kinds, from: start) { $0.isSpace }
        if let last = kinds[start..<end].lastIndex(of: .newline) { return last + 1 }
        return spaceEnd(kinds, from: start)
    }

    /// `\s+(?!\S)|\s+`: a run of white space leaves its last character to the word that follows.
    private func spaceEnd(_ kinds: [Kind], from start: Int) -> Int {
        let end = run(kinds, from: start) { $0.isSpace }
        return end == kinds.count || end == start + 1 ? end : end - 1
    }

    private func run(_ kinds: [Kind], from start: Int, while holds: (Kind) -> Bool) -> Int {
        var end = start
        while end < kinds.count, holds(kinds[end]) { end += 1 }
        return end
    }

    private func contractionEnd(_ scalars: [Unicode.Scalar], from start: Int, foldsCase: Bool) -> Int? {
        guard scalars[start] == "'", start + 1 < scalars.count else { return nil }
        func folded(_ index: Int) -> Unicode.Scalar? {
            guard index < scalars.count else { return nil }
            let scalar = scalars[index]
            guard foldsCase else { return scalar }
            // The long s folds to an s; no other character outside ASCII folds to one of these letters.
            if scalar == "\u{17F}" { return "s" }
            return ("A"..."Z").contains(scalar) ? Unicode.Scalar(scalar.value + 32) : scalar
        }
        switch (folded(start + 1), folded(start + 2)) {
        case ("s"?, _), ("t"?, _), ("m"?, _), ("d"?, _): return start + 2
        case ("r"?, "e"?), ("v"?, "e"?), ("l"?, "l"?): return start + 3
        default: return nil
        }
    }
}

/// What the patterns ask of a character.
private enum Kind: UInt8 {
    case letter, number, space, newline, other

    var isSpace: Bool { self == .space || self == .newline }

    init(_ scalar: Unicode.Scalar) {
        switch scalar {
        case "a"..."z", "A"..."Z": self = .letter
        case "0"..."9": self = .number
        case " ", "\t", "\u{B}", "\u{C}": self = .space
        case "\n", "\r": self = .newline
        case _ where scalar.isASCII: self = .other
        default:
            switch scalar.properties.generalCategory {
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: self = .letter
            case .decimalNumber, .letterNumber, .otherNumber: self = .number
            default: self = scalar.properties.isWhitespace ? .space : .other
            }
        }
    }
}
