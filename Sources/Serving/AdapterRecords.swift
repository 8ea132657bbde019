public import Registry

/// What serving asks the database; tests answer from a dictionary.
public protocol AdapterRecords: Sendable {
    /// Where a user's adapter lies; see ``AdapterDirectory/place(tenant:user:base:number:)``.
    func place(tenant: String, user: String, base: String?, number: Int32?) async throws -> AdapterPlace

    /// The bytes of a recipe's file; see ``AdaptationInputs/recipeBytes(_:)``.
    func recipeBytes(_ recipeID: Int32) async throws -> [UInt8]
}

/// The database's own records.
public struct RegisteredAdapters: AdapterRecords {
    private let directory: AdapterDirectory
    private let inputs: AdaptationInputs

    /// Reads through both rooms of the registry.
    public init(directory: AdapterDirectory, inputs: AdaptationInputs) {
        self.directory = directory
        self.inputs = inputs
    }

    /// Where a user's adapter lies.
    public func place(tenant: String, user: String, base: String?, number: Int32?) async throws -> AdapterPlace {
        try await directory.place(tenant: tenant, user: user, base: base, number: number)
    }

    /// The bytes of a recipe's file.
    public func recipeBytes(_ recipeID: Int32) async throws -> [UInt8] { try await inputs.recipeBytes(recipeID) }
}
