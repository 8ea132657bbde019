/// A text's tokens as windows of bounded length, for training and for scoring.
public enum TextWindows {
    /// Windows in which each token but the text's first is predicted once: each begins with the last token of the one
    /// before it.
    ///
    /// - Parameters:
    ///   - length: tokens of a window; at least 2.
    ///   - first: tokens of the first window, 2 up to `length`: another number cuts the whole text elsewhere.
    public static func training(_ tokens: [Int32], length: Int, first: Int) -> [[Int32]] {
        precondition(length >= 2 && (2...length).contains(first), "windows of \(length), first \(first)")
        var windows: [[Int32]] = []
        var (start, end) = (0, min(first, tokens.count))
        while end - start >= 2 {
            windows.append(Array(tokens[start..<end]))
            (start, end) = (end - 1, min(end - 1 + length, tokens.count))
        }
        return windows
    }

    /// A window and which of its tokens are scored.
    public struct Scored: Sendable, Equatable {
        /// Its tokens in the text.
        public let tokens: Range<Int>
        /// Those of them that are scored, in the text.
        public let scored: Range<Int>
    }

    /// Windows that overlap by half, in which each token but the text's first is scored once, given all tokens before it up
    /// to `length / 2` at least.
    ///
    /// - Parameters:
    ///   - count: tokens of the text.
    ///   - length: tokens of a window, at least 2.
    public static func scoring(count: Int, length: Int) -> [Scored] {
        precondition(length >= 2, "windows of \(length) tokens")
        var windows: [Scored] = []
        var (start, next) = (0, 1)
        while next < count {
            let end = min(start + length, count)
            windows.append(Scored(tokens: start..<end, scored: next..<end))
            next = end
            start += max(length / 2, 1)
        }
        return windows
    }
}
