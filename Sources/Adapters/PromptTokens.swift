public import Tensor

/// Prompt tuning: rows of a user's own in place of the embeddings of virtual tokens before each text (Lester et al. 2021).
///
/// At the embeddings only; positions count from the first virtual token. Unlike the other kinds it has no neutral start: the
/// tokens of a text attend to rows that were not there.
public struct PromptTokens: AdapterKind, Equatable {
    /// Virtual tokens.
    public let count: Int

    /// Makes the kind; `count >= 1`.
    public init(count: Int) {
        precondition(count >= 1, "\(count) virtual tokens")
        self.count = count
    }

    /// Its name.
    public var name: String { "prompt" }

    /// `P`, one row a virtual token.
    public func parameters(inputs: Int, outputs: Int) -> [ParameterShape] { [ParameterShape("P", count, outputs)] }

    /// Nothing.
    public func savedColumns(inputs: Int, outputs: Int) -> Int { 0 }

    /// Normal with a deviation of 0.02, as embeddings are drawn.
    public func initialize(_ tensors: [MatrixView], random: inout RandomSource) {
        for row in 0..<count {
            for column in 0..<tensors[0].columns { tensors[0][row, column] = 0.02 * Float(random.normal()) }
        }
    }

    /// Fills the first rows of a text.
    public func forward(_ tensors: [MatrixView], x: MatrixView, y: MatrixView, saved: MatrixView) {
        y.rows(0..<count).copy(tensors[0])
    }

    /// Adds up the gradients at those rows.
    public func backward(
        _ tensors: [MatrixView], gradients: [MatrixView], x: MatrixView, saved: MatrixView, dy: MatrixView,
        dx: MatrixView?
    ) { add(dy.rows(0..<count), to: gradients[0]) }
}
