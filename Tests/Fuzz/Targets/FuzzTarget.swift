public import Problem

/// A reader as `ops/fuzz` and `FuzzTargetsTests` drive it: it gets bytes that may come from anywhere, uses what it reads, and
/// may answer with nothing but a ``Problem``.
public struct FuzzTarget: Sendable {
    /// What the corpus, the driver and people call it.
    public let name: String

    private let use: @Sendable (_ bytes: [UInt8]) throws -> Void

    /// A target of this name; `use` reads the bytes, does with the result what the product does, and traps where that breaks
    /// a promise of the reader.
    init(_ name: String, _ use: @escaping @Sendable (_ bytes: [UInt8]) throws -> Void) {
        self.name = name
        self.use = use
    }

    /// Every target.
    public static let all: [FuzzTarget] = [
        .safetensors, .safetensorsIndex, .bytePairs, .wordPieces, .vocabulary, .configuration, .adapter, .frame, .pack,
        .recipe, .user, .lora, .peft, .sparseDelta, .gradientRequest,
    ]

    /// A refusal is read by people and stored with the job: it quotes little of the input, however large that is.
    private static let longestProblem = 2000

    /// The refusal of an input; nil if it was read. Ends the process for any other error.
    public func problem(with bytes: [UInt8]) -> Problem? {
        do {
            try use(bytes)
            return nil
        } catch let error as any ProblemConvertible {
            let length = error.problem.description.utf8.count
            promise(length <= Self.longestProblem, "\(error.problem.errorClass) is told in \(length) bytes")
            return error.problem
        } catch {
            fatalError("\(name): \(error) is no Problem")
        }
    }
}

/// What a reader promises of what it has read; the process ends, with a message in every build, where that does not hold.
func promise(_ holds: Bool, _ what: String = "a promise is broken", file: StaticString = #fileID, line: UInt = #line) {
    if !holds { fatalError(what, file: file, line: line) }
}

/// What is read of what we wrote ourselves; the process ends where that is refused.
func again<Value>(_ read: () throws -> Value, file: StaticString = #fileID, line: UInt = #line) -> Value {
    do { return try read() } catch { fatalError("what was written is refused: \(error)", file: file, line: line) }
}
