/// Where a forward pass may begin or stop: what lies before it is frozen, so that its rows can be kept and shared.
public enum Cut: Hashable, Sendable {
    /// The token ids: nothing is kept.
    case tokens
    /// Before a block, counted from 0; `blocks` is after the last. One row a token.
    case block(Int)
    /// Where a block's feed-forward output joins the residual. Two rows a token: the residual and that output.
    case feedForward(Int)
}

extension Cut: CustomStringConvertible {
    /// Where it is, in words.
    public var description: String {
        switch self {
        case .tokens: "tokens"
        case .block(let index): "block \(index)"
        case .feedForward(let index): "feed-forward output \(index)"
        }
    }
}
