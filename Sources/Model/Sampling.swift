import Foundation
public import Tensor

/// How the next token is drawn from scores.
public struct SamplingSettings: Sendable, Equatable, Codable {
    /// What scores are divided by; 0 takes the best token always.
    public var temperature: Float = 1
    /// The probability that the tokens drawn from have together at least, above 0 up to 1 (nucleus sampling, Holtzman et al.
    /// 2020): the most probable ones.
    public var topP: Float = 1

    /// The settings that draw from the model itself.
    public init() {}

    /// The best token always.
    public static var greedy: SamplingSettings {
        var settings = SamplingSettings()
        settings.temperature = 0
        return settings
    }
}

/// A token and how probable it is to be drawn.
public struct TokenProbability: Sendable, Equatable {
    /// Its id.
    public let token: Int32
    /// Within `0...1`; those of a distribution sum to 1.
    public let probability: Double
}

/// What may be drawn, the most probable first; of equals the smaller id first.
///
/// - Parameter logits: finite scores, one a token; at least one.
public func nextTokens(_ logits: some Collection<Float>, _ settings: SamplingSettings) -> [TokenProbability] {
    let scores = Array(logits)
    guard let best = scores.indices.max(by: { scores[$0] < scores[$1] || (scores[$0] == scores[$1] && $0 > $1) }) else {
        preconditionFailure("no token to draw")
    }
    guard settings.temperature > 0 else { return [TokenProbability(token: Int32(best), probability: 1)] }
    let weights = scores.map { exp(Double($0 - scores[best]) / Double(settings.temperature)) }
    let total = weights.reduce(0, +)
    // Tokens that are rarer than this do not have together what the nucleus leaves out: none is in it, none need be sorted.
    let least = (1 - Double(settings.topP)) * total / Double(weights.count)
    let order = weights.indices.filter { weights[$0] >= least }
        .sorted { scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1 }
    var (kept, mass) = (0, 0.0)
    while kept < order.count, kept == 0 || mass < Double(settings.topP) * total {
        mass += weights[order[kept]]
        kept += 1
    }
    return (0..<kept).map { TokenProbability(token: Int32(order[$0]), probability: weights[order[$0]] / mass) }
}

/// One of them, drawn.
public func draw(_ tokens: [TokenProbability], _ random: inout RandomSource) -> Int32 {
    guard let last = tokens.last else { preconditionFailure("no token to draw") }
    guard tokens.count > 1 else { return last.token }
    var left = random.uniform()
    for token in tokens {
        left -= token.probability
        if left < 0 { return token.token }
    }
    return last.token
}
