package import Tensor

/// A way from a user's support to a head that has meta-parameters to learn across users.
///
/// Heads are vectors over features `[scale x | 1]`, as of ``HeadProblem``. A user's rates are those of the method times
/// `sqrt(N) / K`: more examples say more, and more steps share one way.
package protocol HeadMethod: Sendable {
    /// All meta-parameters, one flat vector.
    var values: [Float] { get set }
    /// Whether a number is one of a few that act on much, and so moves at a rate of its own.
    func isScalar(_ index: Int) -> Bool
    /// The gradient of the outer loss by ``values``, or what the method takes for it.
    ///
    /// - Parameters:
    ///   - progress: how far learning is, within `0...1`.
    ///   - random: for what the method draws while it learns.
    func gradient(
        _ batch: MethodBatch, stepCount: Int, progress: Float, random: inout RandomSource
    ) -> [Float]
    /// The users' heads after some steps, `[users, width]`.
    ///
    /// - Parameter rateScale: what rates are multiplied by; 1 is as learned.
    func states(_ batch: MethodBatch, stepCount: Int, rateScale: Float) -> Matrix
}

/// Users to adapt together.
package struct MethodBatch: Sendable {
    package let problem: HeadProblem
    /// What starts may know of the users, `[users, context width]`.
    package var contexts: Matrix

    /// - Parameter context: nil where no start asks for any.
    package init(_ problem: HeadProblem, context: UserContext?) {
        self.problem = problem
        contexts = context?.contexts(of: problem.support) ?? Matrix(rows: problem.userCount, columns: 0)
    }

    /// Each user's factor of the rates: `scale sqrt(N) / K`.
    func userScales(stepCount: Int, rateScale: Float = 1) -> [Float] {
        problem.support.counts.map { rateScale * $0.squareRoot() / Float(max(1, stepCount)) }
    }
}

extension HeadMethod {
    /// What rates begin at: the step of ``PreconditionedRule/plain(from:steps:)`` in these units.
    package static var plainRate: Float { 0.4 }
}
