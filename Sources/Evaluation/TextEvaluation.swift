import Adapters
public import Blocking
public import Meta
public import Model
public import Population
public import Problem
import Synchronization
import Tensor
import Tokenizer

/// Adapts a decoder to each author and scores the author's later text with it: base, adapted, and with another author's
/// adapter as a control.
public struct TextEvaluation: Sendable {
    /// Which authors of a file are scored. Settings are chosen on the validation authors, split as users are for every
    /// other figure; figures are given for the others.
    public enum Authors: String, Sendable, CaseIterable, Codable {
        /// All but the validation authors.
        case others
        /// The fifth that settings are chosen on.
        case validation
        /// Both.
        case all
    }

    private let model: LanguageModel
    private let settings: TextAdaptationSettings
    private let texts: [AuthorText]
    private let config: TextReport.Configuration

    /// Takes the authors to score.
    ///
    /// - Parameters:
    ///   - model: the frozen base.
    ///   - users: authors with their texts in the order of time.
    ///   - most: authors scored, the first of the file; nil: all of them.
    ///   - location: the file, for errors.
    /// - Throws: `no_eligible_users` unless two authors have text enough.
    public init(
        _ model: LanguageModel, _ users: [UserExamples], _ settings: TextAdaptationSettings,
        authors: Authors = .others, most: Int? = nil, limits: AuthorText.Limits = AuthorText.Limits(), seed: UInt64,
        at location: String
    ) throws(Problem) {
        let chosen = users.filter { user in
            switch authors {
            case .others: !ScoringProtocol.isValidation(user.user)
            case .validation: ScoringProtocol.isValidation(user.user)
            case .all: true
            }
        }
        let eligible = chosen.compactMap { AuthorText($0, limits) }
        texts = Array(eligible.prefix(most ?? eligible.count))
        guard texts.count >= 2 else {
            throw Problem(
                "no_eligible_users", at: location,
                "\(texts.count) of \(chosen.count) authors have \(limits.ownMinimum) characters of text and "
                    + "\(limits.unseenMinimum) after them; two are needed.",
                do: "give authors more text.")
        }
        let settings = settings.fitting(model.transformer)
        (self.model, self.settings) = (model, settings)
        config = TextReport.Configuration(
            base: model.digest, authors: authors, authorCount: texts.count, leftOut: chosen.count - eligible.count,
            limits: limits, settings: settings, parameters: settings.plan(model.configuration).parameterCount,
            contextTokens: model.maximumTokens, continuations: GreedyContinuations.Settings(), seed: seed)
    }

    /// Authors to score.
    public var authorCount: Int { texts.count }

    /// Runs it, authors in parallel.
    ///
    /// - Parameter progress: is told how many of how many pieces of work are done, from any thread.
    public func run(
        on threads: ComputeThreads, progress: @escaping @Sendable (Int, Int) -> Void
    ) async throws -> TextReport {
        let lanes = Lanes(threads.count)
        let counter = Mutex(0)
        let total = 2 * texts.count
        let report = { @Sendable in
            let done = counter.withLock { count in
                count += 1
                return count
            }
            progress(done, total)
        }
        let adapted = try await concurrently(texts.indices) { [self] index in
            try await threads.run { lane in
                defer { report() }
                return try lanes.use(lane, or: { TextAdaptation(model.transformer, settings) }) {
                    try adapt(texts[index], seed: config.seed &+ UInt64(index), &$0)
                }
            }
        }
        let authors = try await concurrently(texts.indices) { [self] index in
            try await threads.run { lane in
                defer { report() }
                let other = adapted[(index + texts.count - 1) % texts.count].parameters
                var author = adapted[index].author
                author.otherAuthor = lanes.use(lane, or: { TextAdaptation(model.transformer, settings) }) {
                    let unseen = ScoredText(texts[index].unseen, model.tokenizer)
                    return unseen.bitsPerByte($0.losses(of: unseen.tokens, under: other))
                }
                return author
            }
        }
        return TextReport(config: config, authors: authors, continuations: continuations(adapted))
    }

    private func continuations(_ adapted: [Adapted]) -> TextReport.Continuations? {
        let references = adapted.flatMap(\.references)
        guard !references.isEmpty else { return nil }
        return TextReport.Continuations(
            prompts: references.count, implementation: BLEU.implementation,
            base: BLEU.corpus(adapted.flatMap(\.writtenByBase), references: references),
            adapted: BLEU.corpus(adapted.flatMap(\.writtenAdapted), references: references))
    }

    private struct Adapted: Sendable {
        var author: TextReport.Author
        var parameters: [Float]
        var references: [String]
        var writtenByBase: [String]
        var writtenAdapted: [String]
    }

    private func adapt(_ text: AuthorText, seed: UInt64, _ adaptation: inout TextAdaptation) throws -> Adapted {
        let unseen = ScoredText(text.unseen, model.tokenizer)
        let base = adaptation.losses(of: unseen.tokens, under: nil)
        let started = ContinuousClock.now
        let parameters = adaptation.adapt(to: model.tokenizer.encode(text.own), seed: seed).parameters
        let seconds = (ContinuousClock.now - started) / .seconds(1)
        let adapted = adaptation.losses(of: unseen.tokens, under: parameters)
        let continuations = GreedyContinuations(unseen, model, config.continuations)
        var bank = AdapterBank(settings.plan(model.configuration), users: 1)
        bank.parameters.copy(parameters.span)
        bank.textsOfUsers = [0, 1]
        return try Adapted(
            author: TextReport.Author(
                author: text.author, ownCharacters: text.own.count, scoredBytes: unseen.bytes,
                base: unseen.bitsPerByte(base), adapted: unseen.bitsPerByte(adapted), otherAuthor: .nan,
                adaptSeconds: seconds), parameters: parameters, references: continuations.references,
            writtenByBase: continuations.written(with: NoAdapters()), writtenAdapted: continuations.written(with: bank))
    }
}

/// One workspace a thread, made when the thread first asks.
private final class Lanes: Sendable {
    private final class Lane: Sendable {
        let workspace = Mutex<TextAdaptation?>(nil)
    }

    private let lanes: [Lane]

    init(_ count: Int) { lanes = (0..<count).map { _ in Lane() } }

    func use<Result>(
        _ lane: Int, or make: () -> TextAdaptation, _ body: (inout TextAdaptation) throws -> Result
    ) rethrows -> Result {
        // One closure a lane runs at a time: the workspace is only kept here, not fought for.
        var workspace = lanes[lane].workspace.withLock { $0 } ?? make()
        defer { lanes[lane].workspace.withLock { [workspace] in $0 = workspace } }
        return try body(&workspace)
    }
}

/// What `body` gives for each index, in order, all of them waiting at once.
private func concurrently<Result: Sendable>(
    _ indices: Range<Int>, _ body: @escaping @Sendable (Int) async throws -> Result
) async throws -> [Result] {
    try await withThrowingTaskGroup(of: (Int, Result).self) { group in
        for index in indices { group.addTask { (index, try await body(index)) } }
        var results: [Int: Result] = [:]
        for try await (index, result) in group { results[index] = result }
        return indices.compactMap { results[$0] }
    }
}
