import ArgumentParser
import Blocking
import Model
import Postgres
import Problem
import Registry
import Serving

/// Scores texts for a user, with and without the user's adapter.
struct Predict: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Score texts for a user: what everyone gets, and what the user's adapter makes of it.",
        discussion: """
            EXAMPLES:
              attune predict demo u-7 "a quiet novel about the sea"
              attune predict demo u-7 "one text" "another" --json
            """)

    @OptionGroup var user: UserArguments
    @Argument(help: "Texts to score.") var texts: [String]
    @OptionGroup var connection: DatabaseOptions
    @OptionGroup var objects: StoreOptions
    @OptionGroup var base: BaseOptions
    @OptionGroup var output: OutputOptions

    private struct Line: Codable {
        var text: String
        var base: Float
        var adapted: Float
        var revision: Int32?
    }

    func validate() throws {
        guard !texts.isEmpty, texts.allSatisfy({ $0.contains { !$0.isWhitespace } }) else {
            throw ValidationError("give at least one text that is not blank.")
        }
    }

    func run() async throws {
        let encoder = CachedEncoder(encoder: try base.open(), cache: FeatureCache(byteLimit: 64 << 20))
        let answer = try await connection.withDatabase { pool in
            let reader = AdapterReader(
                records: RegisteredAdapters(directory: AdapterDirectory(pool), inputs: AdaptationInputs(pool)),
                store: try objects.open(for: connection.deployment()))
            return try await Predictor(reader: reader, encoder: encoder, threads: ComputeThreads(count: 1))
                .predict(texts, tenant: user.tenant, user: user.user)
        }
        let revision = answer.adapter.place.revision?.number
        for (text, prediction) in zip(texts, answer.predictions) {
            if output.json {
                try JSONOutput.print(
                    Line(
                        text: text, base: prediction.withoutAdapter, adapted: prediction.withAdapter, revision: revision
                    ))
                continue
            }
            let with = revision.map {
                "with \(user.user)'s revision \($0)  \(Figures.score(Double(prediction.withAdapter), 3))"
            }
            Terminal.output(
                "base \(Figures.score(Double(prediction.withoutAdapter), 3))   \(with ?? "no adapter yet")   \(Problem.excerpt(text))"
            )
        }
    }
}
