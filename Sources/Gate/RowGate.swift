/// Which rows of a delta are stored.
public struct RowMask: Sendable, Equatable {
    /// Number of rows there are.
    public let width: Int
    /// The kept ones, ascending.
    public let rows: [Int]

    /// - Parameter rows: ascending, each within `0..<width`.
    public init(width: Int, rows: [Int]) {
        precondition(zip(rows, rows.dropFirst()).allSatisfy(<), "rows ascend and none comes twice")
        precondition((rows.first ?? 0) >= 0 && (rows.last ?? -1) < width, "a row outside 0..<\(width)")
        self.width = width
        self.rows = rows
    }

    /// Every row.
    public static func all(width: Int) -> RowMask { RowMask(width: width, rows: Array(0..<width)) }
}

/// What a gate may look at when it chooses a user's rows: never the user, never data outside the support.
public struct GateInput: Sendable {
    /// The adapted difference to the start head, shape `[width]`.
    public var delta: [Float]
    /// How many examples it was fitted on.
    public var supportCount: Int
    /// At most this many rows may be kept.
    public var rowBudget: Int

    /// States one decision.
    public init(delta: [Float], supportCount: Int, rowBudget: Int) {
        self.delta = delta
        self.supportCount = supportCount
        self.rowBudget = rowBudget
    }
}

/// Chooses the rows of one user's delta that are stored, within a budget.
///
/// Choices are deterministic: a retried job stores the same bytes.
public protocol RowGate: Sendable {
    /// A stable name, recorded in recipes and figures.
    var name: String { get }
    /// The rows to keep, at most `input.rowBudget` of them.
    func mask(for input: GateInput) -> RowMask
}
