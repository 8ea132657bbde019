public import Problem

/// What one user's adapter stores, of whichever kind the user's recipe makes.
public enum UserDelta: Sendable, Equatable {
    /// A difference to the recipe's start head over pooled features.
    case head(HeadDelta)
    /// Differences at entries inside the encoder, and to the head over its output.
    case sparse(SparseUserDelta)

    /// Number of features of the base.
    public var width: Int {
        switch self {
        case .head(let delta): delta.width
        case .sparse(let delta): delta.shape.width
        }
    }

    /// The head's difference, for what can do nothing else with an adapter.
    ///
    /// - Parameter location: whose it is, for the error.
    /// - Throws: `adapter_kind` for an adapter inside the encoder: no head over pooled features scores as it does.
    public func head(at location: String) throws(Problem) -> HeadDelta {
        guard case .head(let delta) = self else { throw Self.notAHead(at: location) }
        return delta
    }

    /// The refusal of an adapter inside the encoder by what takes heads.
    public static func notAHead(at location: String) -> Problem {
        Problem(
            "adapter_kind", at: location,
            "the adapter is inside the encoder, a head over pooled features cannot say it.",
            do: "use attune predict, or adapt the user with a recipe of preset pooled.")
    }
}

/// What the adapters of a recipe's users are read in: nothing of it is stored with a user.
public enum DeltaSpace: Sendable, Equatable {
    /// Differences to a head; coefficients are of this basis, nil where users store rows.
    case head(basis: HeadBasis?)
    /// Sparse deltas of this shape inside the encoder.
    case sparse(SparseUserDelta.Shape)
}
