import Foundation

/// Corpus BLEU-4 with one reference (Papineni et al. 2002): `BP exp(Σ log p_n / 4)` with p_n the share of the candidates'
/// n-grams that are found in their references, each as often as it is there at most, and
/// `BP = min(1, exp(1 - reference length / candidate length))`; nothing is smoothed.
public enum BLEU {
    /// What figures are to be named with: numbers of other tokenisers cannot be compared.
    public static let implementation = "attune BLEU-4, mteval-13a tokenisation, case kept, one reference, not smoothed"

    /// The score of a corpus, `0...1`; 0 where no n-gram of some length is found.
    public static func corpus(_ candidates: [String], references: [String]) -> Double {
        precondition(candidates.count == references.count, "a reference a candidate")
        var (found, possible) = ([Double](repeating: 0, count: 4), [Double](repeating: 0, count: 4))
        var (length, referenceLength) = (0.0, 0.0)
        for (candidate, reference) in zip(candidates, references) {
            let (own, exact) = (tokens(candidate), tokens(reference))
            length += Double(own.count)
            referenceLength += Double(exact.count)
            for order in 1...4 {
                let there = grams(exact, order)
                for (gram, count) in grams(own, order) {
                    found[order - 1] += Double(min(count, there[gram, default: 0]))
                    possible[order - 1] += Double(count)
                }
            }
        }
        guard found.allSatisfy({ $0 > 0 }) else { return 0 }
        let precision = zip(found, possible).reduce(0) { $0 + log($1.0 / $1.1) } / 4
        return min(1, exp(1 - referenceLength / length)) * exp(precision)
    }

    private static func grams(_ tokens: [String], _ order: Int) -> [ArraySlice<String>: Int] {
        guard tokens.count >= order else { return [:] }
        return (0...tokens.count - order).reduce(into: [:]) { $0[tokens[$1..<$1 + order], default: 0] += 1 }
    }

    /// The words and marks of a text as NIST's `mteval-v13a` cuts them.
    ///
    /// Symbols of ASCII stand alone, but not the apostrophe and the hyphen; so do dots and commas, but not between digits,
    /// and a hyphen after a digit.
    public static func tokens(_ text: String) -> [String] {
        var line = text.replacing("<skipped>", with: "").replacing("-\n", with: "").replacing("\n", with: " ")
        for (name, mark) in [("&quot;", "\""), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")] {
            line = line.replacing(name, with: mark)
        }
        var scalars = (" " + line + " ").unicodeScalars.flatMap { scalar -> [Unicode.Scalar] in
            isSymbol(scalar) ? [" ", scalar, " "] : [scalar]
        }
        scalars = pairs(scalars, where: { !isDigit($0) && isStop($1) }, become: { [$0, " ", $1, " "] })
        scalars = pairs(scalars, where: { isStop($0) && !isDigit($1) }, become: { [" ", $0, " ", $1] })
        scalars = pairs(scalars, where: { isDigit($0) && $1 == "-" }, become: { [$0, " ", $1, " "] })
        return scalars.split(whereSeparator: \.properties.isWhitespace).map { word in
            var text = String.UnicodeScalarView()
            text.append(contentsOf: word)
            return String(text)
        }
    }

    /// `{` to `~`, `[` to the backquote, space to `&`, `(` to `+`, `:` to `@`, and `/`.
    private static func isSymbol(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "{"..."~", "["..."`", " "..."&", "("..."+", ":"..."@", "/": true
        default: false
        }
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }
    private static func isStop(_ scalar: Unicode.Scalar) -> Bool { scalar == "." || scalar == "," }

    /// Replaces pairs from left to right; no scalar is in two of them.
    private static func pairs(
        _ scalars: [Unicode.Scalar], where isPair: (Unicode.Scalar, Unicode.Scalar) -> Bool,
        become: (Unicode.Scalar, Unicode.Scalar) -> [Unicode.Scalar]
    ) -> [Unicode.Scalar] {
        var (result, index): ([Unicode.Scalar], Int) = ([], 0)
        while index < scalars.count {
            if index + 1 < scalars.count, isPair(scalars[index], scalars[index + 1]) {
                result += become(scalars[index], scalars[index + 1])
                index += 2
            } else {
                result.append(scalars[index])
                index += 1
            }
        }
        return result
    }
}
