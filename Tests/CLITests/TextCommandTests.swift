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

    @Test(
        "an adapter becomes a folder of PEFT and comes back with the same numbers",
        arguments: ["tiny-llama", "tiny-gpt2"])
    func peft(model: String) async throws {
        try await CommandLineTool.with { attune in
            try attune.write("mine.txt", String(repeating: "so it was, and so it is; ", count: 100))
            try await attune.succeed(
                "adapt", "--base", base(model), "--text", "mine.txt", "--out", "mine.safetensors", "--learning-rate",
                "0.02",
                "--keep", "1", "--window", "32", "--epochs", "2")
            let exported = try #require(
                try await attune.succeed(
                    "adapter", "export-peft", "mine.safetensors", "--base", base(model), "--out", "folder",
                    "--base-name", "me/tiny", "--json"
                ).objects.first)
            #expect((exported["written"] as? String)?.hasSuffix("/folder") == true)
            #expect(try attune.read("folder/adapter_config.json").contains(#""base_model_name_or_path": "me/tiny""#))
            let imported = try await attune.succeed(
                "adapter", "import-peft", "folder", "--base", base(model), "--out", "back.safetensors")
            #expect(
                imported.output.hasPrefix("adapter    LoRA at ") && imported.output.contains("/back.safetensors   "))
            func file(_ name: String) throws -> Data { try Data(contentsOf: attune.folder.appending(path: name)) }
            // GPT-2's queries and values come back as parts of one adapter of the sum of their ranks.
            #expect(try (file("back.safetensors") == file("mine.safetensors")) == (model == "tiny-llama"))
            func text(_ adapter: String...) async throws -> String? {
                try await attune.run(
                    ["generate", "--base", base(model), "--prompt", "so it", "--temperature", "0", "--json"] + adapter
                ).objects.first.flatMap { ($0["continuations"] as? [[String: Any]])?.first?["text"] as? String }
            }
            let mine = try #require(try await text("--adapter", "mine.safetensors"))
            #expect(try await text("--adapter", "back.safetensors") == mine)
            #expect(try await text() != mine)
        }
    }

    @Test("what cannot be turned into a file or a folder of PEFT is refused in words")
    func peftRefusals() async throws {
        try await CommandLineTool.with { attune in
            let adapters = Self.decoders.deletingLastPathComponent().deletingLastPathComponent()
                .appending(path: "AdaptersTests/Fixtures")
            let gpt2 = ["--base", base("tiny-gpt2")]
            func refusal(_ command: String, _ arguments: [String]) async throws -> String {
                let ending = try await attune.run(["adapter", command] + arguments)
                return "\(ending.status) \(ending.errors.firstMatch(of: #/: ([a-z_]+): /#)?.1 ?? "")"
            }
            let folder = adapters.appending(path: "peft-tiny-gpt2").path
            #expect(try await refusal("import-peft", [folder] + gpt2) == "0 ")
            #expect(try await refusal("import-peft", ["nowhere"] + gpt2) == "8 file_unreadable")
            #expect(try await refusal("import-peft", [folder, "--base", base("tiny-llama")]) == "8 tensor_unknown")
            let encoder = ["--base", adapters.appending(path: "tiny-bert").path]
            #expect(try await refusal("import-peft", [folder] + encoder) == "8 model_family")
            try FileManager.default.copyItem(atPath: folder, toPath: attune.folder.appending(path: "dora").path)
            try attune.write(
                "dora/adapter_config.json", #"{"peft_type": "LORA", "r": 3, "lora_alpha": 6, "use_dora": true}"#)
            #expect(try await refusal("import-peft", ["dora"] + gpt2) == "8 peft_unsupported")

            let export = ["adapter.safetensors", "--out", "out"]
            #expect(try await refusal("export-peft", export + ["--base", base("tiny-llama")]) == "5 base_mismatch")
            #expect(try await refusal("export-peft", export + encoder) == "8 model_family")
            #expect(try await refusal("export-peft", ["none", "--out", "out"] + gpt2) == "8 file_unreadable")
            #expect(try await refusal("export-peft", export + gpt2) == "0 ")
            #expect(try await refusal("export-peft", export + gpt2) == "5 already_exists")
            #expect(try await refusal("import-peft", ["out", "--base", base("tiny-llama")]) == "5 base_mismatch")
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
