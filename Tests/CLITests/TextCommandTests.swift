import Foundation
import Testing

@Suite(.needsBinary, .timeLimit(.minutes(3))) struct TextCommandTests {
    private static let decoders = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "ModelTests/Fixtures")

    private func base(_ name: String) -> String { Self.decoders.appending(path: name).path }

    @Test("a text is adapted to, its adapter continues another text, and another base refuses it")
    func adaptAndGenerate() async throws {
        try await CommandLineTool.with { attune in
            try attune.write("mine.txt", String(repeating: "so it was, and so it is; ", count: 100))
            let adapted = try #require(
                try await attune.succeed(
                    "adapt", "--base", base("tiny-gpt2"), "--text", "mine.txt", "--out", "mine.safetensors",
                    "--learning-rate", "0.02", "--keep", "1", "--window", "32", "--json"
                ).objects.first)
            let before = try #require(adapted["bitsPerByteBefore"] as? Double)
            let after = try #require(adapted["bitsPerByteAfter"] as? Double)
            #expect(after < before / 2)
            func generate(_ more: String...) async throws -> CommandLineTool.Ending {
                try await attune.run(
                    ["generate", "--prompt", "so it", "--tokens", "70", "--adapter", "mine.safetensors"] + more)
            }
            let answer = try #require(
                try await generate("--base", base("tiny-gpt2"), "--compare", "--seed", "3", "--json").objects.first)
            let continuations = try #require(answer["continuations"] as? [[String: Any]])
            #expect(continuations.map { $0["isAdapted"] as? Bool } == [false, true])
            let texts = continuations.map { $0["text"] as? String ?? "" }
            #expect(texts[0] != texts[1])
            let streamed = try await generate("--base", base("tiny-gpt2"), "--seed", "3")
            #expect(streamed.output == "so it\(texts[1])\n" && streamed.errors.contains(" tokens/s, "))
            let refused = try await generate("--base", base("tiny-llama"))
            #expect(refused.status == 5 && refused.errors.contains(": base_mismatch: it was made for base "))
        }
    }

    @Test("a text that is too short, an encoder and a sampling setting out of range are refused in words")
    func refusals() async throws {
        try await CommandLineTool.with { attune in
            try attune.write("short.txt", "so it was")
            let short = try await attune.run("adapt", "--base", base("tiny-gpt2"), "--text", "short.txt")
            #expect(short.status == 8 && short.errors.contains("short.txt: text_too_short: 10 characters, "))
            let missing = try await attune.run("adapt", "--base", base("tiny-gpt2"), "--text", "none.txt")
            #expect(missing.status == 8 && missing.errors.contains("none.txt: file_unreadable: "))
            for wrong in [["--top-p", "0"], ["--temperature", "-1"], ["--tokens", "0"], ["--compare"]] {
                let ending = try await attune.run(["generate", "--base", base("tiny-gpt2"), "--prompt", "a"] + wrong)
                #expect(ending.status == 2, "\(wrong)")
            }
        }
    }

    @Test("authors of a file are scored, with the figures' names and the settings that were used")
    func evaluates() async throws {
        try await CommandLineTool.with { attune in
            let lines = (0..<6).map { author in
                let words = "author\(author) wrote word\(author) again; "
                let examples = (0..<9).map {
                    #"{"text":"\#(String(repeating: words, count: 8))","split":"\#($0 < 6 ? "support" : "query")"}"#
                }
                return #"{"user":"a\#(author)","examples":[\#(examples.joined(separator: ","))]}"#
            }
            try attune.write("authors.jsonl", lines.joined(separator: "\n"))
            let report = try #require(
                try await attune.succeed(
                    "eval", "text", "--data", "authors.jsonl", "--base", base("tiny-gpt2"), "--authors", "all",
                    "--epochs", "2", "--learning-rate", "0.02", "--window", "32", "--json"
                ).objects.first)
            let figures = try #require(report["figures"] as? [String: Double])
            for name in [
                "bits_per_byte.base", "bits_per_byte.adapted", "bits_per_byte.other_author", "bleu4.base",
                "bleu4.adapted", "share_better",
            ] { #expect(figures["text.\(name)"] != nil, "text.\(name)") }
            #expect(figures["text.share_better"] == 1)
            let settings = try #require((report["config"] as? [String: Any])?["settings"] as? [String: Any])
            #expect(settings["epochs"] as? Int == 2 && settings["windowTokens"] as? Int == 32)
        }
    }
}
