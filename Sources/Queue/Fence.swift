public import FoundationEssentials

/// What a claim draws and every later write must show: a chunk, its attempt, and a token drawn anew at each claim.
///
/// The token is there beside the attempt because a claim may be lost in a crash of the server: the same attempt number is
/// then given again, the same token never.
public struct Fence: Sendable, Hashable {
    /// The chunk.
    public let chunkID: Int64
    /// Rises with each claim of the chunk, from 1.
    public let attempt: Int32
    /// Drawn at random by the claim.
    public let token: UUID

    /// Makes a fence; stores do, and tests.
    public init(chunkID: Int64, attempt: Int32, token: UUID) {
        self.chunkID = chunkID
        self.attempt = attempt
        self.token = token
    }

    /// `chunk-attempt-token`, as it stands in the keys of objects.
    public var keyPart: String { "\(chunkID)-\(attempt)-\(token.uuidString.lowercased())" }
}
