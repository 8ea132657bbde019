import Foundation
import Problem
import Queue

/// One check of `attune doctor` and what it found.
struct Finding: Encodable {
    /// Worst first.
    enum Severity: Int, Comparable, Encodable {
        case bad, warn, ok

        /// As it stands in a terminal.
        var label: String {
            switch self {
            case .bad: "BAD "
            case .warn: "WARN"
            case .ok: "ok  "
            }
        }

        var color: Int {
            switch self {
            case .bad: 1
            case .warn: 3
            case .ok: 2
            }
        }

        static func < (left: Severity, right: Severity) -> Bool { left.rawValue < right.rawValue }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(label.lowercased().filter { $0 != " " })
        }
    }

    var name: String
    /// What it concerns where a check can find several things.
    var subject: String?
    var severity: Severity
    var what: String
    var helps: String
    /// The measure with its unit and limits, where there is one.
    var measured: Double?
    var unit: String?
    var warnAt: Double?
    var badAt: Double?
    /// What it will do if left alone.
    var ifLeft: String?
    /// When the leader first saw it so.
    var since: Date?

    init(_ name: String, _ severity: Severity, _ what: String, helps: String) {
        self.name = name
        self.severity = severity
        self.what = what
        self.helps = helps
    }

    /// A check of the queue. JSON has no word for infinity: a limit that is never reached is left out.
    init(_ found: HealthFinding) {
        let severity: Severity =
            switch found.status {
            case .bad: .bad
            case .warn: .warn
            case .ok: .ok
            }
        self.init(found.name, severity, found.what, helps: found.helps)
        func finite(_ value: Double?) -> Double? { value.flatMap { $0.isFinite ? $0 : nil } }
        (subject, unit) = (found.subject.isEmpty ? nil : found.subject, found.unit.isEmpty ? nil : found.unit)
        (measured, warnAt, badAt) = (finite(found.measured), finite(found.limits.warn), finite(found.limits.bad))
        (ifLeft, since) = (found.ifLeft, found.since)
        if severity != .ok, let limit = severity == .bad ? badAt : warnAt, limit > 0, let unit {
            what += " (limit \(Figures.limit(limit)) \(unit))"
        }
    }

    /// A check that ended with a problem.
    init(_ name: String, _ problem: Problem, severity: Severity = .bad) {
        self.init(
            name, severity, "\(problem.location): \(problem.errorClass): \(problem.reason)", helps: problem.remedy)
    }
}
