import Blocking
import Evaluation
import Foundation
import Meta
import Model
import Population
import Problem
import Tensor
import Testing

@Suite struct TextEvaluationTests {
    private static let base = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "ModelTests/Fixtures/tiny-gpt2")

    /// An author who uses five words of the author's own.
    private static func author(_ index: Int, texts: Int, charactersEach: Int = 200) -> UserExamples {
        var random = RandomSource(seed: UInt64(index))
        let words = (0..<5).map { _ in
            String((0..<6).map { _ in Character(UnicodeScalar(UInt8(97 + random.index(below: 26)))) })
        }
        return UserExamples(
            user: "author-\(index)",
            examples: (0..<texts).map { number in
                var text = ""
                while text.count < charactersEach { text += words[random.index(below: 5)] + " " }
                return Example(text: text, label: 1, part: number * 3 < texts * 2 ? .support : .query)
            })
    }

    private static let settings: TextAdaptationSettings = {
        var settings = TextAdaptationSettings()
        (settings.rank, settings.windowTokens, settings.learningRate, settings.keptShare) = (4, 32, 0.01, 1)
        return settings
    }()

    @Test(
        "authors with words of their own are better with their adapter and no better with another's; two threads give what one gives"
    )
    func evaluates() async throws {
        let model = try LanguageModel(BaseFolder.open(Self.base.path))
        let authors = (0..<12).map { Self.author($0, texts: 12) }
        let evaluation = try TextEvaluation(
            model, authors, Self.settings, authors: .all, most: 6, seed: 1, at: "generated")
        let report = try await evaluation.run(on: ComputeThreads(count: 2)) { #expect($0 <= $1) }
        #expect(report.config.authorCount == 6 && report.config.leftOut == 0)
        #expect(report.figures["text.share_better"] == 1)
        #expect(report.figures["text.share_better_than_other_author"] == 1)
        let (base, adapted, other) = (
            try #require(report.figures["text.bits_per_byte.base"]),
            try #require(report.figures["text.bits_per_byte.adapted"]),
            try #require(report.figures["text.bits_per_byte.other_author"])
        )
        #expect(adapted < base - 0.1 && adapted < other - 0.1)
        let continuations = try #require(report.tables.continuations)
        #expect(continuations.prompts == 6 * 8 && continuations.implementation == BLEU.implementation)
        #expect(report.figures["text.bleu4.adapted"] == continuations.adapted && continuations.adapted <= 1)
        for row in report.tables.authors {
            // The scored bytes are those of the unseen text but its first token's.
            #expect((790..<870).contains(row.scoredBytes), "\(row.scoredBytes)")
        }
        var again = try await evaluation.run(on: ComputeThreads(count: 1)) { _, _ in }
        for index in again.tables.authors.indices {
            again.tables.authors[index].adaptSeconds = report.tables.authors[index].adaptSeconds
        }
        #expect(again.tables == report.tables)
    }

    @Test("the validation authors and the others are all authors, and a fifth of them validates")
    func split() throws {
        let model = try LanguageModel(BaseFolder.open(Self.base.path))
        let authors = (0..<200).map { Self.author($0, texts: 12) }
        func ids(_ chosen: TextEvaluation.Authors) throws -> Int {
            try TextEvaluation(model, authors, Self.settings, authors: chosen, seed: 1, at: "generated").authorCount
        }
        let (validation, others) = (try ids(.validation), try ids(.others))
        #expect(validation + others == 200 && (25...55).contains(validation))
    }

    @Test("authors without enough text are left out, and a file without two others is refused")
    func leavesOut() throws {
        let model = try LanguageModel(BaseFolder.open(Self.base.path))
        let short = (0..<3).map { Self.author($0, texts: 3) }
        #expect {
            try TextEvaluation(model, short, Self.settings, authors: .all, seed: 1, at: "short.jsonl")
        } throws: {
            ($0 as? Problem)?.errorClass == "no_eligible_users" && ($0 as? Problem)?.location == "short.jsonl"
        }
    }
}

@Suite struct AuthorTextTests {
    private func user(_ support: [String], _ query: [String]) -> UserExamples {
        UserExamples(
            user: "a",
            examples: support.map { Example(text: $0, label: 1, part: .support) }
                + query.map { Example(text: $0, label: 1, part: .query) })
    }

    private func limits(_ own: Int, _ unseen: Int) -> AuthorText.Limits {
        var limits = AuthorText.Limits()
        (limits.own, limits.unseen, limits.ownMinimum, limits.unseenMinimum) = (own, unseen, 1, 1)
        return limits
    }

    @Test("what is adapted on is the newest that fits whole before the query, what is scored the first that fits of it")
    func newest() throws {
        let user = user(["aaaa", "bbbb", "cccc"], ["dddd", "eeee", "ffff"])
        for (own, unseen, expected) in [
            (100, 100, ("aaaa bbbb cccc", "dddd eeee ffff")), (9, 9, ("bbbb cccc", "dddd eeee")),
            (8, 13, ("cccc", "dddd eeee")), (4, 14, ("cccc", "dddd eeee ffff")),
        ] {
            let text = try #require(AuthorText(user, limits(own, unseen)))
            #expect(text.own == expected.0 && text.unseen == expected.1)
        }
    }

    @Test("an author with too little text on either side is none")
    func tooLittle() {
        #expect(AuthorText(user(["aaaa"], ["dddd"]), limits(3, 9)) == nil)
        #expect(AuthorText(user(["aaaa"], []), limits(9, 9)) == nil)
        #expect(AuthorText(user([], ["aaaa"]), limits(9, 9)) == nil)
    }
}
