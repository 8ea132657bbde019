import Evaluation
import Foundation
import Testing

@Suite struct BLEUTests {
    private func expect(_ score: Double, _ exact: Double) { #expect(abs(score - exact) < 1e-12) }

    @Test("the score of a sentence is that reckoned by hand")
    func sentence() {
        // 1-grams 6 of 7 ("the" once in the reference), 2-grams 4 of 6, 3-grams 2 of 5, 4-grams 1 of 4.
        let score = BLEU.corpus(["the cat sat on the mat today"], references: ["the cat sat on a mat today"])
        expect(score, pow(6.0 / 7 * 4 / 6 * 2 / 5 * 1 / 4, 0.25))
        expect(BLEU.corpus(["a b c d e"], references: ["a b c d e"]), 1)
    }

    @Test("a candidate shorter than its reference is paid for, a longer one is not paid for twice")
    func brevity() {
        expect(BLEU.corpus(["a b c d"], references: ["a b c d e f"]), exp(1 - 6.0 / 4))
        expect(BLEU.corpus(["a b c d e f"], references: ["a b c d"]), pow(4.0 / 6 * 3 / 5 * 2 / 4 * 1 / 3, 0.25))
    }

    @Test("a corpus adds up n-grams and lengths, and does not average sentences")
    func corpus() {
        // Found 4 + 2, 3 + 1, 2 + 0, 1 + 0 of 4 + 4, 3 + 3, 2 + 2, 1 + 1; lengths 8 and 9.
        let score = BLEU.corpus(["a b c d", "a b x y"], references: ["a b c d", "a b c d e"])
        expect(score, exp(1 - 9.0 / 8) * pow(6.0 / 8 * 4 / 6 * 2 / 4 * 1 / 2, 0.25))
    }

    @Test("without a common 4-gram, or without a word, the score is 0")
    func zero() {
        #expect(BLEU.corpus(["a b c x d e f"], references: ["a b c d e f"]) == 0)
        #expect(BLEU.corpus([""], references: ["a b c d"]) == 0)
        #expect(BLEU.corpus([], references: []) == 0)
    }

    @Test(
        "texts are cut as by mteval-v13a",
        arguments: [
            ("Hello, world!", ["Hello", ",", "world", "!"]),
            ("It's 3,141.59 - or 2.5% of 1-2.", ["It's", "3,141.59", "-", "or", "2.5", "%", "of", "1", "-", "2", "."]),
            ("well-known (a/b) \"x\"", ["well-known", "(", "a", "/", "b", ")", "\"", "x", "\""]),
            ("wait... what,,no", ["wait", ".", ".", ".", "what", ",", ",", "no"]),
            ("a &lt;b&gt; &amp; &quot;c&quot;", ["a", "<", "b", ">", "&", "\"", "c", "\""]),
            ("end-\nless\nline", ["endless", "line"]), ("“so” she—said", ["“so”", "she—said"]), ("  ", []),
        ])
    func tokens(text: String, words: [String]) { #expect(BLEU.tokens(text) == words) }
}
