import Adapters
import ArgumentParser
import Evaluation
import Foundation
import Meta
import Model
import Problem
import Tokenizer

/// Adapts a decoder to one text and writes the adapter.
struct AdaptCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adapt", abstract: "Adapt a decoder to a text file; write the adapter as safetensors.",
        discussion: """
            The text's last tenth is not trained on: bits a byte of it are given before and after. attune generate takes the
            adapter.

            EXAMPLES:
              attune adapt --base novels-gpt2 --text mine.txt --out mine.safetensors
              attune generate --base novels-gpt2 --adapter mine.safetensors --prompt "It was late when"
            """)

    @OptionGroup var base: BaseOptions
    @OptionGroup var adaptation: TextAdaptationOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "The text, UTF-8.") var text: String
    @Option(help: "Where to write (default: adapter.safetensors).") var out = "adapter.safetensors"
    @Option(help: "Seed of the start and of the order of windows.") var seed: UInt64 = 1

    private struct Answer: Encodable {
        var file: String
        var bytes: Int
        var base: String
        var parameters: Int
        var trainedCharacters: Int
        var scoredBytes: Int
        var bitsPerByteBefore: Double
        var bitsPerByteAfter: Double
        var steps: Int
        var seconds: Double
    }

    func run() throws {
        let (trained, held) = try parts()
        let model = try adaptation.openDecoder(base)
        let settings = adaptation.settings()
        var adapting = TextAdaptation(model.transformer, settings)
        let scored = ScoredText(held, model.tokenizer)
        let before = adapting.losses(of: scored.tokens, under: nil)
        let started = ContinuousClock.now
        let (parameters, losses) = adapting.adapt(to: model.tokenizer.encode(trained), seed: seed)
        let seconds = (ContinuousClock.now - started) / .seconds(1)
        let after = adapting.losses(of: scored.tokens, under: parameters)
        let plan = settings.plan(model.configuration)
        let file = LoRAFile(plan, parameters: parameters, baseDigest: model.digest)
            .encoded(model.configuration)
        let path = absolute(out)
        try AdapterCommand.write(file, to: path)
        let answer = Answer(
            file: path, bytes: file.count, base: model.digest, parameters: plan.parameterCount,
            trainedCharacters: trained.count, scoredBytes: scored.bytes, bitsPerByteBefore: scored.bitsPerByte(before),
            bitsPerByteAfter: scored.bitsPerByte(after), steps: losses.count, seconds: seconds)
        if output.json { return try JSONOutput.print(answer) }
        Terminal.output(
            "adapted    \(Figures.count(answer.trainedCharacters)) characters, \(answer.steps) steps, "
                + Figures.span(seconds: seconds))
        Terminal.output(
            "held out   \(Figures.count(answer.scoredBytes)) bytes   before \(Figures.fixed(answer.bitsPerByteBefore, 4))"
                + "   after \(Figures.fixed(answer.bitsPerByteAfter, 4)) bits a byte")
        Terminal.output("written    \(path)   \(Figures.count(answer.bytes)) B")
    }

    /// What is trained on and the last tenth, cut before a space.
    private func parts() throws -> (trained: String, held: String) {
        let path = absolute(text)
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw Problem("file_unreadable", at: path, "it cannot be read.", do: "name a text file.")
        }
        guard let whole = String(validating: bytes, as: UTF8.self) else {
            throw Problem("not_utf8", at: path, "it is not UTF-8 text.", do: "write the file as UTF-8.")
        }
        guard whole.count >= 1000 else {
            throw Problem(
                "text_too_short", at: path, "\(whole.count) characters, 1,000 at least.",
                do: "give more text by the same author.")
        }
        let tenth = whole.index(whole.startIndex, offsetBy: whole.count - whole.count / 10)
        let cut = whole[..<tenth].lastIndex(where: \.isWhitespace) ?? tenth
        return (String(whole[..<cut]), String(whole[cut...]))
    }
}
