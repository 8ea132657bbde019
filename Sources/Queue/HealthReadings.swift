public import FoundationEssentials
import Postgres

/// What a check found, judged by its limits.
public struct HealthFinding: Sendable, Equatable {
    /// Worst first.
    public enum Status: String, Sendable {
        /// Wants a person now.
        case bad
        /// Wants a person soon.
        case warn
        /// Nothing to do.
        case ok
    }

    /// The check: `xmin`, `bloat`, ….
    public var name: String
    /// What it concerns where a check can find several things: a session, a table, a tenant; else empty.
    public var subject: String
    /// How bad it is.
    public var status: Status
    /// In `unit`; nil where nothing was to be measured, or could not be.
    public var measured: Double?
    /// Of the measure and the limits.
    public var unit: String
    /// From where on it is a warning, and bad.
    public var limits: (warn: Double, bad: Double)
    /// One sentence with the figures.
    public var what: String
    /// What it will do if left alone.
    public var ifLeft: String?
    /// What to type.
    public var helps: String
    /// When the leader first saw it so; nil when it has not.
    public var since: Date?

    /// Compares all there is.
    public static func == (left: HealthFinding, right: HealthFinding) -> Bool {
        (left.name, left.subject, left.status, left.what, left.helps) == (
            right.name, right.subject, right.status, right.what, right.helps
        ) && left.measured == right.measured && left.limits == right.limits && left.ifLeft == right.ifLeft
            && left.since == right.since && left.unit == right.unit
    }
}

/// What checks read, before anybody judged it.
public struct HealthReadings: Sendable {
    /// One reading of a check.
    public struct Reading: Sendable {
        /// The check.
        public var name: String
        /// What it concerns, or empty.
        public var subject: String
        /// In the check's unit; nil: it could not be measured.
        public var measured: Double?
        /// One sentence with the figures.
        public var what: String
        /// What it will do if left alone.
        public var ifLeft: String?
        /// What to type.
        public var helps: String

        /// Makes a reading.
        public init(
            name: String, subject: String = "", measured: Double?, what: String, ifLeft: String? = nil, helps: String
        ) {
            self.name = name
            self.subject = subject
            self.measured = measured
            self.what = what
            self.ifLeft = ifLeft
            self.helps = helps
        }
    }

    /// The checks that were made, also those that found nothing.
    public var checked: [String]
    /// What they found.
    public var readings: [Reading]

    /// Makes readings.
    public init(checked: [String] = [], readings: [Reading] = []) {
        self.checked = checked
        self.readings = readings
    }

    /// Adds a check that is not a statement.
    public mutating func add(_ name: String, _ found: Reading?) {
        checked.append(name)
        if let found { readings.append(found) }
    }

    /// As parameters of a statement, in the order checked, names, subjects, measured, what, if left, helps.
    var values: [Value] {
        [
            .array(checked), .array(readings.map(\.name)), .array(readings.map(\.subject)),
            .array(readings.map(\.measured)), .array(readings.map(\.what)), .array(readings.map(\.ifLeft)),
            .array(readings.map(\.helps)),
        ]
    }
}
