import Foundation
import Postgres
import Problem
import Schema

/// A job with all its attempts, as `attune job` prints it.
struct JobLife: Encodable {
    /// A try that did not end the job.
    struct Attempt: Encodable {
        var at: Date
        var attempt: Int32
        var worker: String?
        var claimed: Date?
        var errorClass: String
        var message: String?
        var runsAgain: Date?
    }

    /// What the worker measured.
    struct Measures: Encodable {
        var examples: Int32?
        var steps: Int16?
        var rows: Int16?
        var lossBefore: Double?
        var lossAfter: Double?
        var storedBytes: Int32?
        var fetchMilliseconds: Int32?
        var adaptMilliseconds: Int32?
        var encodeMilliseconds: Int32?
        var uploadMilliseconds: Int32?
    }

    var job: JobLine
    var kind: String
    var mergedInto: Int64?
    var retryOf: Int64?
    var trace: String?
    /// Examples that the user has recorded since.
    var newerExamples: Int64?
    var measures: Measures
    var attempts: [Attempt]

    static func read(_ id: Int64, from database: ConnectionPool) async throws -> JobLife {
        guard let row = try await database.run(SQL.Queries.jobDetail, [.int64(id)]).oneOrNone() else {
            throw Problem(
                "unknown_job", at: "job \(id)", "no such job that this role may see.",
                do: "check the id; attune jobs lists the newest.")
        }
        let attempts = try await database.run(SQL.Queries.jobAttempts, [.int64(id)]).map { attempt in
            Attempt(
                at: try attempt.decode("at"), attempt: try attempt.decode("attempt"),
                worker: try attempt.decode("worker"), claimed: try attempt.decode("claimed_at"),
                errorClass: try attempt.decode("error_class"), message: try attempt.decode("message"),
                runsAgain: try attempt.decode("runs_again_at"))
        }
        return JobLife(
            job: try JobLine(row), kind: try row.decode("kind"), mergedInto: try row.decode("merged_into"),
            retryOf: try row.decode("retry_of"), trace: try row.decode("trace"),
            newerExamples: try row.decode("newer_examples"),
            measures: Measures(
                examples: try row.decode("examples"), steps: try row.decode("steps"), rows: try row.decode("rows"),
                lossBefore: try row.decode("loss_before"), lossAfter: try row.decode("loss_after"),
                storedBytes: try row.decode("stored_bytes"), fetchMilliseconds: try row.decode("fetch_ms"),
                adaptMilliseconds: try row.decode("adapt_ms"), encodeMilliseconds: try row.decode("encode_ms"),
                uploadMilliseconds: try row.decode("upload_ms")),
            attempts: attempts)
    }

    /// The life as a list of moments, then what it did.
    var lines: [String] {
        let state = Terminal.colored(job.state, Terminal.color(ofState: job.state))
        var lines = ["job \(job.job)  \(state)  \(job.whose)  \(job.kind)"]
        lines.append(
            "\(Figures.dateAndTime(job.enqueued))  enqueued   \(job.flow)"
                + (retryOf.map { ", repeats job \($0)" } ?? ""))
        for attempt in attempts {
            if let claimed = attempt.claimed {
                lines.append("\(moment(claimed))  attempt \(attempt.attempt)\(attempt.worker.map { "  \($0)" } ?? "")")
            }
            let again = attempt.runsAgain.map { ", again at \(Figures.time($0))" } ?? ""
            let message = attempt.message.map { ": \($0)" } ?? ""
            lines.append("\(moment(attempt.at))  \(attempt.errorClass)\(message)\(again)")
        }
        if let claimed = job.claimed {
            lines.append("\(moment(claimed))  attempt \(job.attempt ?? 1)\(job.worker.map { "  \($0)" } ?? "")")
        }
        return lines + [ending].compactMap { $0 } + figures
    }

    private var ending: String? {
        guard let finished = job.finished else {
            guard job.state == "scheduled" || job.state == "retryable", let at = job.runsAt else { return nil }
            return "\(String(repeating: " ", count: 19))  waits until \(Figures.dateAndTime(at))"
        }
        let what =
            switch job.state {
            case "completed": "revision \(job.revision.map(String.init) ?? "–"), \(measures.storedBytes ?? 0) B"
            case "kept": "no gain found, the old state stays"
            case "merged": "job \(mergedInto.map(String.init) ?? "–") took its place"
            case "covered": "revision \(job.revision.map(String.init) ?? "–") already covers its data"
            default: [job.errorClass, job.message].compactMap { $0 }.joined(separator: ": ")
            }
        return "\(moment(finished))  \(job.state)  \(what)"
    }

    private var figures: [String] {
        var lines: [String] = []
        if let before = measures.lossBefore, let after = measures.lossAfter {
            lines.append("guard      loss \(Figures.score(before, 3)) -> \(Figures.score(after, 3))")
        }
        if let examples = measures.examples {
            let newer = newerExamples.map { $0 > 0 ? ", \($0) newer are waiting" : "" } ?? ""
            lines.append("data       \(examples) examples\(newer)")
        }
        let stages = [
            ("fetch", measures.fetchMilliseconds), ("adapt", measures.adaptMilliseconds),
            ("encode", measures.encodeMilliseconds), ("upload", measures.uploadMilliseconds),
        ].compactMap { name, milliseconds in milliseconds.map { "\(name) \($0) ms" } }
        if !stages.isEmpty { lines.append("stages     \(stages.joined(separator: ", "))") }
        if let trace { lines.append("trace      \(trace)") }
        return lines
    }

    /// A time as the span since the job was enqueued, right-aligned under its date.
    private func moment(_ date: Date) -> String {
        let span = "+\(Figures.span(seconds: max(0, date.timeIntervalSince(job.enqueued))))"
        return String(repeating: " ", count: max(0, 19 - span.count)) + span
    }
}
