public import Adapters
public import Tensor

/// The matrix `P` that turns features into the directions a step may move along.
public enum Preconditioner: Sendable, Equatable {
    /// `scale` times the identity: what a hundred meta-users or fewer can support.
    case isotropic(Float)
    /// A learned matrix of shape `[width, width]`.
    case dense(Matrix)

    /// `rows · P`, shape `[n, width]`: features to directions.
    public func project(_ rows: Matrix) -> Matrix {
        switch self {
        case .isotropic(let scale):
            return Matrix(rows: rows.rows, columns: rows.columns, values: rows.values.map { $0 * scale })
        case .dense(let matrix): return matmul(rows, matrix)
        }
    }

    /// `states · Pᵀ`, shape `[n, width]`: user states `a` to head deltas `P a`.
    public func expand(_ states: Matrix) -> Matrix {
        switch self {
        case .isotropic: return project(states)
        case .dense(let matrix): return matmul(states, matrix, transposeB: true)
        }
    }
}

/// The learned numbers of one inner step, on the scales they are learned at.
public struct StepParameters: Sendable, Equatable, Codable {
    /// Logarithm of the rate of the state `a`.
    public var logRate: Float
    /// Logarithm of the rate of the bias `c`.
    public var logBiasRate: Float
    /// Logit of the share of `a` that is forgotten before the step.
    public var decayLogit: Float

    /// One step's numbers.
    public init(logRate: Float, logBiasRate: Float, decayLogit: Float) {
        self.logRate = logRate
        self.logBiasRate = logBiasRate
        self.decayLogit = decayLogit
    }
}

/// The learned update rule of a user's head: preconditioned steps of logistic regression from a learned start.
///
/// For a support of `N` examples with features `x_n` and labels `y_n`, from `a = 0`, `c = 0`, for each step `t`:
/// ```
/// z_n = x_n · w0 + b0 + (x_n P) · a + c          r_n = sigmoid(z_n) - y_n
/// a  <- (1 - sigmoid(decayLogit_t)) a - exp(logRate_t) N^-supportExponent Σ r_n (x_n P)
/// c  <- c - exp(logBiasRate_t) mean r_n
/// ```
/// and the user's head is `w0 + P a`, `b0 + c`. It is Meta-SGD (Li et al. 2017) with the step size a shared matrix
/// `P Pᵀ` instead of one number a parameter, so that it can be learned from hundreds of users.
public struct PreconditionedRule: Sendable, Equatable {
    /// `w0` and `b0`, learned together with the steps; not the head for users without data.
    public var start: LinearHead
    /// `P`.
    public var preconditioner: Preconditioner
    /// One entry for each inner step, in order; a job may run fewer.
    public var steps: [StepParameters]
    /// The power of the support size that a step's sum is divided by: 1 would be a mean, 0 a sum.
    public var supportExponent: Float

    /// Assembles a rule; a dense preconditioner is `[start.width, start.width]`.
    public init(
        start: LinearHead, preconditioner: Preconditioner, steps: [StepParameters], supportExponent: Float
    ) {
        if case .dense(let matrix) = preconditioner {
            precondition(matrix.rows == start.width && matrix.columns == start.width, "P is [width, width]")
        }
        precondition(!steps.isEmpty, "a rule has at least one step")
        self.start = start
        self.preconditioner = preconditioner
        self.steps = steps
        self.supportExponent = supportExponent
    }

    /// What meta-training starts from, and a rule of its own where nothing was meta-trained: isotropic steps from a
    /// given head. `P = 2.8 I` on unit-norm features is `0.7 I` on features of norm 4, whose logits are of order 1.
    public static func plain(from start: LinearHead, steps: Int = 1) -> PreconditionedRule {
        let step = StepParameters(
            logRate: -0.2 - Float(steps).logarithm, logBiasRate: -2 - Float(steps).logarithm, decayLogit: -4)
        return PreconditionedRule(
            start: start, preconditioner: .isotropic(2.8), steps: Array(repeating: step, count: steps),
            supportExponent: 0.5)
    }

    /// Number of features.
    public var width: Int { start.width }

    /// What a published difference is added to: a share of the start, the rest the head of users without data, so that a smaller
    /// share serves users closer to what they had.
    ///
    /// - Parameters:
    ///   - withoutData: the head of a user without an adapter.
    ///   - share: ``AdaptationSettings/scale``.
    public func publishedStart(withoutData: LinearHead, share: Float) -> LinearHead {
        start.mixed(share, with: 1 - share, of: withoutData)
    }
}
