import Problem

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
    var severity: Severity
    var what: String
    var helps: String

    init(_ name: String, _ severity: Severity, _ what: String, helps: String) {
        self.name = name
        self.severity = severity
        self.what = what
        self.helps = helps
    }

    /// A check that ended with a problem.
    init(_ name: String, _ problem: Problem, severity: Severity = .bad) {
        self.init(
            name, severity, "\(problem.location): \(problem.errorClass): \(problem.reason)", helps: problem.remedy)
    }
}
