package import Tensor

/// Several users' inner problems at once: what a method that learns across users needs to know of a loss.
///
/// State is one row of parameters a user, `[userCount, width]`. Losses and derivatives of one user depend on that user's row
/// alone, so that a batch costs a few matrix products a step. The methods ask for nothing else, which is why what is tested on a
/// quadratic with known answers is the code that learns users' heads.
package protocol InnerProblem {
    /// Users of the batch.
    var userCount: Int { get }
    /// Parameters of one user.
    var width: Int { get }
    /// The gradient of each user's mean support loss, `[userCount, width]`.
    func supportGradient(at state: Matrix) -> Matrix
    /// The Hessian of each user's mean support loss times a vector of the user's own, `[userCount, width]`, exact.
    func supportCurvature(at state: Matrix, times vectors: Matrix) -> Matrix
    /// Each user's outer loss and its gradient by the user's parameters, `[userCount]` and `[userCount, width]`.
    func query(at state: Matrix) -> (losses: [Float], gradient: Matrix)
}
