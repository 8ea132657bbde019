import Meta
import Tensor

/// Users whose support and query losses are `1/2 (A - c)ᵀ diag(h) (A - c)`, each with a curvature and target of its own.
struct QuadraticProblem: InnerProblem {
    var curvatures: [[Float]]
    var targets: [[Float]]

    /// One user: ALGORITHMS 1.2, whose answers are known.
    static let known = QuadraticProblem(curvatures: [[1, 4]], targets: [[1, -2]])

    var userCount: Int { targets.count }
    var width: Int { targets[0].count }

    private func map(_ matrix: Matrix, _ transform: (Float, Int, Int) -> Float) -> Matrix {
        var result = matrix
        for user in 0..<matrix.rows {
            for column in 0..<matrix.columns { result[user, column] = transform(matrix[user, column], user, column) }
        }
        return result
    }

    func supportGradient(at state: Matrix) -> Matrix {
        map(state) { value, user, column in curvatures[user][column] * (value - targets[user][column]) }
    }

    func supportCurvature(at state: Matrix, times vectors: Matrix) -> Matrix {
        map(vectors) { value, user, column in curvatures[user][column] * value }
    }

    func query(at state: Matrix) -> (losses: [Float], gradient: Matrix) {
        let losses = (0..<state.rows).map { user in
            (0..<state.columns).reduce(Float(0)) {
                let distance = state[user, $1] - targets[user][$1]
                return $0 + 0.5 * curvatures[user][$1] * distance * distance
            }
        }
        return (losses, supportGradient(at: state))
    }
}
