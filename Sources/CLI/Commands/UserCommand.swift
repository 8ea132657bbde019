import ArgumentParser
import Foundation
import Problem
import Registry

/// What a user has now, and how it came about.
struct UserCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "Show what a user has now, its revisions and its newest jobs.",
        discussion: """
            EXAMPLES:
              attune user acme u-31207
              attune user acme u-31207 --json
            """)

    @OptionGroup var user: UserArguments
    @Option(help: "Revisions and jobs at most, 1 to 1,000.") var limit: Int64 = 10
    @OptionGroup var connection: DatabaseOptions
    @OptionGroup var output: OutputOptions

    fileprivate struct Revision: Encodable {
        var revision: Int
        var parent: Int?
        var base: String
        var recipe: String
        var job: Int64
        var dataThrough: Int64
        var published: Date
        var storedBytes: Int?
        var isCurrent: Bool
    }

    private struct Answer: Encodable {
        var tenant: String
        var user: String
        var revision: Int?
        var published: Date?
        var storedBytes: Int?
        var examples: Int64
        var newerExamples: Int64
        var base: String?
        var recipe: String?
        var created: Date
        var revisions: [Revision]
        var jobs: [JobLine]
    }

    func validate() throws {
        guard (1...1000).contains(limit) else { throw ValidationError("--limit must be 1 to 1,000.") }
    }

    func run() async throws {
        let answer = try await connection.withDatabase { database in
            let registry = Registry(database)
            _ = try await registry.tenant(user.tenant)
            let status = try await registry.user(user.user, of: user.tenant)
            let revisions = try await registry.revisions(uid: status.uid, limit: Int(limit))
            let page = try await JobPage.read(
                from: database, .init(tenant: user.tenant, user: user.user), limit: Int32(limit))
            return Answer(
                tenant: user.tenant, user: user.user, revision: status.revision, published: status.publishedAt,
                storedBytes: status.storedBytes, examples: status.examples, newerExamples: status.newerExamples,
                base: status.base, recipe: status.recipeDigest, created: status.createdAt,
                revisions: revisions.map { Revision($0) }, jobs: page.jobs)
        }
        if output.json { return try JSONOutput.print(answer) }
        show(answer)
    }

    private func show(_ answer: Answer) {
        Terminal.output("\(answer.tenant)/\(answer.user)   \(sentence(answer))")
        Terminal.output(
            "base       \(answer.base ?? "none active")   recipe \(answer.recipe.map(Figures.digest) ?? "–")"
                + "   first seen \(Figures.dateAndTime(answer.created))")
        if !answer.revisions.isEmpty {
            var table = TextTable(
                .init(title: "REV", alignment: .right), .init(title: "BASE"), .init(title: "DATA", alignment: .right),
                .init(title: "SIZE", alignment: .right), .init(title: "PUBLISHED"),
                .init(title: "JOB", alignment: .right))
            table.rows = answer.revisions.map { revision in
                [
                    "\(revision.revision)\(revision.isCurrent ? "*" : " ")", revision.base, "1-\(revision.dataThrough)",
                    revision.storedBytes.map { "\($0) B" } ?? "–", Figures.dateAndTime(revision.published),
                    String(revision.job),
                ]
            }
            Terminal.output("")
            table.show(whenEmpty: "")
        }
        guard !answer.jobs.isEmpty else {
            return Terminal.note("no job yet: attune enqueue --tenant \(answer.tenant) \(answer.user)")
        }
        var table = JobLine.table()
        table.rows = answer.jobs.map(\.cells)
        Terminal.output("")
        table.show(whenEmpty: "")
    }

    private func sentence(_ answer: Answer) -> String {
        let seen =
            answer.newerExamples == 0
            ? "all of its \(Figures.count(answer.examples)) examples"
            : "all but the newest \(Figures.count(answer.newerExamples)) of \(Figures.count(answer.examples)) examples"
        guard let revision = answer.revision, let published = answer.published else {
            let why = answer.newerExamples == answer.examples ? "none looked at yet" : "looked at \(seen)"
            return "Uses the recipe's start; \(Figures.count(answer.examples)) examples, \(why)."
        }
        return
            "Uses revision \(revision), published \(Figures.span(seconds: max(0, Date().timeIntervalSince(published)))) ago, "
            + "\(answer.storedBytes.map { "\($0) B" } ?? "size unknown"). It has seen \(seen)."
    }
}

extension UserCommand.Revision {
    fileprivate init(_ revision: UserRevision) {
        self.init(
            revision: revision.number, parent: revision.parent, base: revision.base, recipe: revision.recipeDigest,
            job: revision.jobID, dataThrough: revision.dataThrough, published: revision.publishedAt,
            storedBytes: revision.storedBytes, isCurrent: revision.isCurrent)
    }
}
