import Foundation
import Testing

@Suite(.needsBinary, .timeLimit(.minutes(3))) struct EvalCommandTests {
    private static let base = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "AdaptersTests/Fixtures/tiny-bert").path

    /// Half of the users like texts of a cat, half those of the sun.
    private static var users: String {
        (0..<60).map { user in
            let examples = (0..<56).map { number in
                let isCat = (number * 7 + user) % 3 == 0
                let words = ["the", "was", "of", "and", "big"]
                let text = "\(isCat ? "cat" : "sun") \(words[number % 5]) \(words[(number / 5 + user) % 5])"
                let split = number < 32 ? "support" : "query"
                return #"{"text":"\#(text)","label":\#(isCat == (user % 2 == 0) ? 1 : 0),"split":"\#(split)"}"#
            }
            return #"{"user":"u\#(user)","examples":[\#(examples.joined(separator: ","))]}"#
        }.joined(separator: "\n")
    }

    @Test("adapters in the last block are scored beside the pooled rule, and a setting out of range is refused")
    func evaluates() async throws {
        try await CommandLineTool.with { attune in
            try attune.write("users.jsonl", Self.users)
            for kind in ["bottleneck", "lora", "sparse"] {
                let answer = try #require(
                    try await attune.succeed(
                        "eval", "encoder", "--base", Self.base, "--data", "users.jsonl", "--kind", kind, "--quick",
                        "--steps", "2", "--folds", "1", "--entries", "64", "--json"
                    ).objects.first)
                let figures = try #require(answer["figures"] as? [String: Double])
                #expect((figures["auc.encoder.s32"] ?? 0) > 0.7, "\(kind): \(figures)")
                #expect(figures["encoder.difference_to_pooled.s4"] != nil && figures["auc.full_depth.s4"] == nil)
            }
            for wrong in [["--steps", "0"], ["--kept", "0"], ["--site", "nowhere"], ["--entries", "0"]] {
                #expect(try await attune.run(["eval", "encoder", "--data", "users.jsonl"] + wrong).status == 2)
            }
        }
    }

    @Test("row gates are trained and scored beside their rivals, and a setting out of range is refused")
    func gates() async throws {
        try await CommandLineTool.with { attune in
            try attune.write("users.jsonl", Self.users)
            let answer = try #require(
                try await attune.succeed(
                    "eval", "gate", "--base", Self.base, "--data", "users.jsonl", "--rounds", "2", "--groups", "4",
                    "--entries", "64", "--folds", "1", "--json"
                ).objects.first)
            let figures = try #require(answer["figures"] as? [String: Double])
            for name in ["ppo_auc", "magnitude_auc", "hard_concrete_auc", "random_auc", "none_auc", "bytes"] {
                #expect(figures["gate.\(name)"] != nil, "\(name)")
            }
            for name in ["gain_kept", "harm_significant", "harm_material", "over_guard_lower"] {
                #expect(figures["gate.decision.\(name).s32"] != nil, "\(name)")
            }
            for wrong in [["--groups", "0"], ["--budget", "0"], ["--rounds", "0"], ["--harm-budget", "2"]] {
                #expect(try await attune.run(["eval", "gate", "--data", "users.jsonl"] + wrong).status == 2)
            }
        }
    }

    @Test("what users store is scored by its bytes, and the curve is told to people as well")
    func size() async throws {
        try await CommandLineTool.with { attune in
            try attune.write("users.jsonl", Self.users)
            let answer = try #require(
                try await attune.succeed("eval", "size", "--base", Self.base, "--data", "users.jsonl", "--json")
                    .objects.first)
            let figures = try #require(answer["figures"] as? [String: Double])
            for name in [
                "size.bytes_per_user", "size.gain_kept", "size.gain_kept_lower", "size.ratio_to_dense_f16_head",
            ] {
                #expect(figures[name] != nil, "\(name)")
            }
            let rows = try #require((answer["tables"] as? [String: Any])?["size"] as? [[String: Any]])
            let forms = rows.compactMap { $0["form"] as? String }
            #expect(forms.first == "full.f32" && forms.last == "shipped" && forms.contains("basis8.int4"))
            let told = try await attune.succeed(
                "eval", "size", "--base", Self.base, "--data", "users.jsonl", "--folder", "out"
            ).output
            #expect(told.contains("basis8.int4") && told.contains("size.gain_kept_lower"))
            for (file, text) in [
                ("size.json", "\"size.gain_kept\""), ("size.md", "| basis8.int4 |"), ("size.svg", "</svg>"),
            ] {
                #expect(try attune.read("out/\(file)").contains(text), "\(file)")
            }
            let refused = try await attune.run(
                "eval", "size", "--data", "users.jsonl", "--test", "users.jsonl", "--inside")
            #expect(refused.status == 2 && refused.errors.contains("leave --test out"))
        }
    }

    @Test("the learned rule is scored beside fifty steps of Adam and SGD, also on another file's users")
    func steps() async throws {
        try await CommandLineTool.with { attune in
            try attune.write("users.jsonl", Self.users)
            let answer = try #require(
                try await attune.succeed(
                    "eval", "steps", "--base", Self.base, "--data", "users.jsonl", "--test", "users.jsonl", "--json"
                ).objects.first)
            let figures = try #require(answer["figures"] as? [String: Double])
            for name in ["auc.learned.s4", "steps.adam50_difference_lower.s32", "steps.sgd50_times_longer.s8"] {
                #expect(figures[name] != nil, "\(name)")
            }
            #expect((answer["config"] as? [String: Any])?["scoredUsers"] as? Int == 60)
        }
    }

    @Test("the K-curve is run in short, and its report and plots lie in the folder that was asked for")
    func curve() async throws {
        try await CommandLineTool.with { attune in
            try attune.write("users.jsonl", Self.users)
            let answer = try #require(
                try await attune.succeed(
                    "eval", "curve", "--base", Self.base, "--data", "users.jsonl", "--quick", "--folder", "out",
                    "--json"
                ).objects.first)
            let figures = try #require(answer["figures"] as? [String: Double])
            for name in ["product.k1.s4", "maml.k10.s32", "membership_auc.s8", "gain_p5.s16"] {
                #expect(figures["curve.\(name)"] != nil, "\(name)")
            }
            for (file, part) in [
                ("curve.json", "\"curve.product.k1.s4\""), ("curve.md", "| product |"), ("curve-steps.svg", "</svg>"),
            ] {
                let text = try String(contentsOf: attune.folder.appending(path: "out/\(file)"), encoding: .utf8)
                #expect(text.contains(part), "\(file)")
            }
        }
    }
}
