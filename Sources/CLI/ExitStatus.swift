import ArgumentParser
import Problem

/// What the exit status of `attune` says; also thrown to end a command that has already said everything.
enum ExitStatus: Int32, Error, CaseIterable {
    case done = 0
    case answerIsNo = 1
    case usage = 2
    case partlyDone = 3
    case notFound = 4
    case conflict = 5
    case unreachable = 6
    case notAllowed = 7
    case badInput = 8
    case timedOut = 9
    case defect = 70
    case interrupted = 130

    /// One clause each, for `--help`.
    var meaning: String {
        switch self {
        case .done: "done"
        case .answerIsNo: "done, and the answer is no (doctor found something, a job ended badly, verify differs)"
        case .usage: "usage or configuration, nothing done"
        case .partlyDone: "partly done, rejects listed"
        case .notFound: "no such tenant, job, user or recipe"
        case .conflict: "conflict (dedup key, stale revision, digests)"
        case .unreachable: "database or store out of reach after retries, safe to repeat"
        case .notAllowed: "not allowed"
        case .badInput: "bad input, nothing done"
        case .timedOut: "--timeout passed, work goes on"
        case .defect: "defect in Attune"
        case .interrupted: "Ctrl-C"
        }
    }

    /// The list at the end of `attune --help`.
    static var help: String {
        "EXIT STATUS:\n" + allCases.map { "  \($0.rawValue)  \($0.meaning)" }.joined(separator: "\n")
    }

    /// The status of an error class; classes not listed are input that a person has to change.
    static func status(of problem: Problem) -> ExitStatus {
        switch problem.errorClass {
        case "no_revision", "nothing_running": .notFound
        case "dedup_conflict", "stale_revision", "base_mismatch", "recipe_mismatch", "schema_newer", "already_exists",
            "already_running", "already_ended", "stale_epoch", "campaign_not_ready", "campaign_ended",
            "judgement_stands",
            "window_closed", "migration_changed", "catalogue_differs", "deposed":
            .conflict
        case "database_unreachable", "store_unavailable", "database_lost", "commit_unknown": .unreachable
        case "store_denied", "database_denied", "not_allowed": .notAllowed
        case "digest_mismatch", "object_missing": .answerIsNo
        case "usage", "tool_missing", "path_too_long", "configuration_missing", "configuration_wrong",
            "database_address", "database_missing", "schema_missing", "ambiguous", "bad_setting", "bucket_missing",
            "store_region", "store_clock_skew", "certificate_untrusted", "credentials_missing",
            "credentials_incomplete", "profile_malformed", "processor_lacks":
            .usage
        case "timed_out": .timedOut
        case "defect", "database_defect": .defect
        case let unknown where unknown.hasPrefix("unknown_"): .notFound
        default: problem.isRetryable ? .unreachable : .badInput
        }
    }

    /// The status and the words for any error a command ended with.
    static func judge(_ error: any Error) -> (ExitStatus, String) {
        if let convertible = error as? any ProblemConvertible {
            return (status(of: convertible.problem), convertible.problem.description)
        }
        if error is CancellationError { return (.interrupted, "interrupted; nothing was left half done.") }
        if Attune.exitCode(for: error) == .validationFailure { return (.usage, usage(error).description) }
        let defect = Problem(
            "defect", at: "attune", "an error nobody expected: \(error)",
            do: "please report it with the command and `attune version --json`; no job is lost.")
        return (.defect, defect.description)
    }

    /// What the parser refused, in the words of every other error.
    private static func usage(_ error: any Error) -> Problem {
        let help = Attune.fullMessage(for: error).firstMatch(of: /See '(attune[^']*) --help'/)
        let command = help.map { String($0.1) } ?? "attune"
        let reason = Attune.message(for: error)
        return Problem(
            "usage", at: command, reason.hasSuffix(".") ? reason : reason + ".", do: "\(command) --help")
    }
}
