import Adapters
public import Model
import Tensor

/// The inner loop for texts: one user's low-rank adapters in a frozen decoder, and what texts cost with them.
///
/// One thread at a time: its buffers are shared by copies of it.
public struct TextAdaptation: Sendable {
    /// How it adapts.
    public let settings: TextAdaptationSettings
    /// Tokens of a scored window: all positions that the transformer was loaded with.
    public let contextTokens: Int
    private var decoder: AdaptedDecoder
    /// Running means of gradients and of their squares, `[1, parameters]`.
    private let first: MatrixView
    private let second: MatrixView
    private let batchTokens: Int

    /// Allocates the buffers.
    public init(_ transformer: Transformer, _ settings: TextAdaptationSettings) {
        let settings = settings.fitting(transformer)
        let plan = settings.plan(transformer.configuration)
        self.settings = settings
        contextTokens = transformer.maximumTokens
        batchTokens = max(settings.windowTokens * settings.windowsPerStep, contextTokens)
        decoder = AdaptedDecoder(
            transformer, plan, users: 1, tokens: batchTokens, longest: max(contextTokens, settings.windowTokens))
        (first, second) = (
            MatrixView(rows: 1, columns: plan.parameterCount), MatrixView(rows: 1, columns: plan.parameterCount)
        )
    }

    /// The parameters that a user's text leads to, `[parameters]`, and the mean loss a token of each step, in nats.
    ///
    /// - Parameters:
    ///   - tokens: of the text; fewer than 2 leave the start, which changes nothing.
    ///   - seed: of the start and of the order of windows.
    public mutating func adapt(to tokens: [Int32], seed: UInt64) -> (parameters: [Float], losses: [Float]) {
        var random = RandomSource(seed: seed)
        let start = decoder.bank.plan.initialParameters(&random)
        let parameters = decoder.bank.parameters
        parameters.copy(start.span)
        first.fill(0)
        second.fill(0)
        let length = settings.windowTokens
        let steps = (0..<settings.epochs).flatMap { _ -> [[[Int32]]] in
            let cut = 2 + random.index(below: length - 1)
            let windows = TextWindows.training(tokens, length: length, first: cut)
            let order = random.permutation(windows.count)
            return stride(from: 0, to: order.count, by: settings.windowsPerStep).map { from in
                order[from..<min(from + settings.windowsPerStep, order.count)].map { windows[$0] }
            }
        }
        var rule = AdamWSettings(learningRate: settings.learningRate)
        rule.decay = settings.decay
        var losses: [Float] = []
        for (index, windows) in steps.enumerated() {
            losses += decoder.lossesAndGradients(windows, sequencesOfUsers: [0, windows.count])
            rule.learningRate = settings.learningRate * (1 - Float(index) / Float(steps.count))
            adamWStep(
                parameters, gradient: decoder.bank.gradients, first: first, second: second, step: index + 1, rule)
        }
        keepShare()
        return (parameters.values, losses)
    }

    /// The change is linear in `B`: a share of it is a share of `B`.
    private func keepShare() {
        for slot in decoder.bank.plan.slots {
            let tensor = decoder.bank.tensor("B", at: slot.site, of: 0)
            let scaled = tensor.values.map { $0 * settings.keptShare }
            tensor.copy(scaled.span)
        }
    }

    /// What each token of a text but its first costs, in nats, `[tokens - 1]`: see ``TextWindows/scoring(count:length:)``
    /// for what each is given.
    ///
    /// - Parameter parameters: of a user; nil is the base alone.
    public mutating func losses(of tokens: [Int32], under parameters: [Float]?) -> [Float] {
        if let parameters {
            decoder.bank.parameters.copy(parameters.span)
        } else {
            decoder.bank.parameters.fill(0)
        }
        var losses: [Float] = []
        losses.reserveCapacity(tokens.count)
        let windows = TextWindows.scoring(count: tokens.count, length: contextTokens)
        let together = max(batchTokens / contextTokens, 1)
        for from in stride(from: 0, to: windows.count, by: together) {
            let part = windows[from..<min(from + together, windows.count)]
            losses += decoder.tokenLosses(
                part.map { Array(tokens[$0.tokens]) },
                predicted: part.map {
                    $0.scored.lowerBound - $0.tokens.lowerBound..<$0.scored.upperBound - $0.tokens.lowerBound
                }, sequencesOfUsers: [0, part.count])
        }
        return losses
    }
}
