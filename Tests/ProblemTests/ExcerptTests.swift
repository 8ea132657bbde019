import Problem
import Testing

@Suite struct ExcerptTests {
    @Test("an excerpt is the text, or its beginning with an ellipsis")
    func cut() {
        #expect(Problem.excerpt("") == "")
        #expect(Problem.excerpt(String(repeating: "a", count: 40)) == String(repeating: "a", count: 40))
        #expect(Problem.excerpt(String(repeating: "a", count: 41)) == String(repeating: "a", count: 40) + "…")
        #expect(Problem.excerpt("abc", limit: 2) == "ab…")
    }

    @Test("a letter with a thousand accents is one character, yet its excerpt is short")
    func accents() {
        let text = "e" + String(repeating: "\u{301}", count: 1000)
        #expect(text.count == 1)
        #expect(Problem.excerpt(text).utf8.count < 100)
    }

    @Test("no control character reaches a terminal, neither ASCII's nor those of Latin 1")
    func controls() {
        let shown = "a\u{FFFD}\u{FFFD}b\u{FFFD}[2Jc\u{FFFD}\u{FFFD}31m"
        #expect(Problem.excerpt("a\r\nb\u{1B}[2Jc\u{7F}\u{9B}31m") == shown)
    }
}
