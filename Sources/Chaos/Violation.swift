/// Something that must never be, found in a history.
public struct Violation: Sendable, Equatable, Codable, CustomStringConvertible {
    /// What the figures count.
    public enum Harm: String, Sendable, CaseIterable, Codable {
        /// An accepted job is gone, has not ended, or its data was never looked at.
        case lost
        /// One job had two effects, or an effect that was no longer its worker's to have.
        case doubleEffect
        /// A user is not served what was published last.
        case stalePointer
        /// A revision's bytes are missing, elsewhere, or not what was published.
        case missingObject
        /// Digests, tenants, clocks or costs do not agree.
        case disagreement
    }

    /// What is wrong.
    public enum Kind: String, Sendable, CaseIterable, Codable {
        case jobWithoutEnd, acceptedJobMissing, outcomeWithoutJob, mergedIntoNothing, chunkLeftOpen, dataNotAdapted
        case twoOutcomes, twoJobsOfAKey, twoRevisionsOfAJob, revisionWithoutCompletion, completionWithoutRevision
        case publishedWithoutLease, forkedLine, cancelledJobRan, erasureUndone
        case stalePointer, pointerMissing, judgedBeyondData, promotionLost
        case pointerToNothing, slotMissing, objectMissing, objectNotLive, digestDiffers, slotOutsideObject
        case unreadableAdapter, recipeOfAnotherBase, tenantsMixed, timeNotTheDatabases, claimCostGrew

        /// The invariant of DESIGN.md that it breaks.
        public var invariant: String {
            switch self {
            case .jobWithoutEnd, .acceptedJobMissing, .outcomeWithoutJob, .mergedIntoNothing, .chunkLeftOpen,
                .dataNotAdapted, .twoOutcomes, .twoJobsOfAKey:
                "I1"
            case .twoRevisionsOfAJob, .revisionWithoutCompletion, .completionWithoutRevision, .publishedWithoutLease,
                .cancelledJobRan:
                "I2"
            case .timeNotTheDatabases: "I3"
            case .forkedLine, .stalePointer, .pointerMissing, .judgedBeyondData, .promotionLost: "I4"
            case .pointerToNothing, .slotMissing, .objectMissing, .objectNotLive, .digestDiffers, .slotOutsideObject:
                "I5"
            case .unreadableAdapter, .recipeOfAnotherBase: "I6"
            case .tenantsMixed: "I7"
            case .erasureUndone: "I8"
            case .claimCostGrew: "I10"
            }
        }

        /// What the figures count it as.
        public var harm: Harm {
            switch self {
            case .jobWithoutEnd, .acceptedJobMissing, .outcomeWithoutJob, .mergedIntoNothing, .chunkLeftOpen,
                .dataNotAdapted:
                .lost
            case .twoOutcomes, .twoJobsOfAKey, .twoRevisionsOfAJob, .revisionWithoutCompletion,
                .completionWithoutRevision, .publishedWithoutLease, .forkedLine, .cancelledJobRan, .erasureUndone:
                .doubleEffect
            case .stalePointer, .pointerMissing, .judgedBeyondData, .promotionLost: .stalePointer
            case .pointerToNothing, .slotMissing, .objectMissing, .objectNotLive, .digestDiffers, .slotOutsideObject:
                .missingObject
            case .unreadableAdapter, .recipeOfAnotherBase, .tenantsMixed, .timeNotTheDatabases, .claimCostGrew:
                .disagreement
            }
        }
    }

    /// What is wrong.
    public let kind: Kind
    /// With which row or object.
    public let subject: String
    /// The facts, both sides of a mismatch.
    public let facts: String

    init(_ kind: Kind, _ subject: String, _ facts: String) {
        (self.kind, self.subject, self.facts) = (kind, subject, facts)
    }

    /// `I2 twoRevisionsOfAJob: job 1024: revisions 1 and 2`.
    public var description: String { "\(kind.invariant) \(kind.rawValue): \(subject): \(facts)" }
}
