import Adapters
import ArgumentParser
import Foundation
import Model
import Problem
import Safetensors
import Tensor
import Tokenizer

/// Continues a text, with or without an adapter.
struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Continue a text with a decoder, and with an adapter of attune adapt.",
        discussion: """
            Text goes to standard output as it comes, speeds to standard error. A token is drawn from the most probable ones
            that have the probability --top-p together; --temperature 0 takes the best one always.

            EXAMPLES:
              attune generate --base novels-gpt2 --prompt "It was late when"
              attune generate --base novels-gpt2 --prompt "It was late when" --adapter mine.safetensors --compare
            """)

    @OptionGroup var base: BaseOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "The text to continue.") var prompt: String
    @Option(help: "A safetensors file of attune adapt or adapter import-peft.") var adapter: String?
    @Option(help: "Tokens to write.") var tokens = 100
    @Option(help: "What scores are divided by; 0 takes the best token always.") var temperature: Float = 0.8
    @Option(help: "Probability of the tokens drawn from, above 0 up to 1.") var topP: Float = 0.95
    @Option(help: "Seed of the draws.") var seed: UInt64 = 1
    @Flag(help: "Continue without the adapter first, by the same draws.") var compare = false

    private struct Continuation: Encodable {
        var isAdapted: Bool
        var text: String
        var tokens: Int
        var promptSeconds: Double
        var tokensPerSecond: Double
        var millisecondsPerToken: Double
    }

    private struct Answer: Encodable {
        var prompt: String
        var base: String
        var adapter: String?
        var sampling: SamplingSettings
        var seed: UInt64
        var continuations: [Continuation]
    }

    func validate() throws {
        guard !prompt.isEmpty else { throw ValidationError("give a --prompt of at least one character.") }
        guard tokens >= 1 else { throw ValidationError("--tokens is at least 1.") }
        guard temperature >= 0 else { throw ValidationError("--temperature is at least 0.") }
        guard topP > 0, topP <= 1 else { throw ValidationError("--top-p is above 0 and at most 1.") }
        guard adapter != nil || !compare else { throw ValidationError("--compare needs --adapter.") }
    }

    private var sampling: SamplingSettings {
        var settings = SamplingSettings()
        (settings.temperature, settings.topP) = (temperature, topP)
        return settings
    }

    func run() throws {
        BLASLibrary.useOneThread()
        let model = try LanguageModel(BaseFolder.open(absolute(base.base)))
        var continuations: [Continuation] = []
        if adapter == nil || compare { continuations.append(try continuation(model, NoAdapters(), isAdapted: false)) }
        if let adapter {
            let path = absolute(adapter)
            let file = try LoRAFile(
                decoding: SafetensorsFile(path: path), for: model.configuration, baseDigest: model.digest, at: path)
            continuations.append(try continuation(model, file.bank(model.configuration), isAdapted: true))
        }
        guard output.json else { return }
        try JSONOutput.print(
            Answer(
                prompt: prompt, base: model.digest, adapter: adapter.map { absolute($0) }, sampling: sampling,
                seed: seed, continuations: continuations))
    }

    private func continuation(
        _ model: LanguageModel, _ adapters: some SiteAdapters, isAdapted: Bool
    ) throws -> Continuation {
        var (text, random) = (TextContinuation(model.transformer, adapters: adapters), RandomSource(seed: seed))
        if !output.json {
            if compare { Terminal.note(isAdapted ? "with the adapter:" : "without the adapter:") }
            Terminal.write(prompt)
        }
        let started = ContinuousClock.now
        var logits = try text.read(model.tokenizer.encode(prompt))
        let read = ContinuousClock.now
        var (written, stream): ([Int32], TextStream) = ([], TextStream())
        while true {
            // Scores behind the tokenizer's last token are padding.
            let token = draw(nextTokens(logits.prefix(model.tokenizer.vocabularySize), sampling), &random)
            written.append(token)
            if !output.json { Terminal.write(stream.text(model.tokenizer.bytes(of: token))) }
            if written.count == tokens { break }
            logits = try text.read([token])
        }
        // The first token comes of the prompt's pass, each other one of a pass of its own.
        let (seconds, passes) = ((ContinuousClock.now - read) / .seconds(1), Double(max(written.count - 1, 1)))
        let answer = Continuation(
            isAdapted: isAdapted, text: model.tokenizer.decode(written), tokens: written.count,
            promptSeconds: (read - started) / .seconds(1), tokensPerSecond: passes / seconds,
            millisecondsPerToken: 1000 * seconds / passes)
        if !output.json {
            Terminal.write(stream.end() + "\n")
            Terminal.note(
                "speed      \(Figures.fixed(answer.tokensPerSecond, 0)) tokens/s, "
                    + "\(Figures.fixed(answer.millisecondsPerToken, 2)) ms a token, prompt "
                    + Figures.span(seconds: answer.promptSeconds))
        }
        return answer
    }
}
