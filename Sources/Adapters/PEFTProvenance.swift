/// Where an exported adapter came from, in the metadata of its safetensors file.
public struct PEFTProvenance: Sendable, Equatable {
    /// Hex SHA-256 of the base, as `attune.base`.
    public var base: String
    /// Hex SHA-256 of the recipe, as `attune.recipe`.
    public var recipe: String?
    /// Tenant and user, as `attune.user`.
    public var user: String?
    /// The number of the revision, as `attune.revision`.
    public var revision: String?

    /// Says where from.
    public init(base: String, recipe: String? = nil, user: String? = nil, revision: String? = nil) {
        (self.base, self.recipe, self.user, self.revision) = (base, recipe, user, revision)
    }

    /// Reads it; nil in files that are not ours.
    public init?(metadata: [String: String]) {
        guard let base = metadata["attune.base"] else { return nil }
        self.init(
            base: base, recipe: metadata["attune.recipe"], user: metadata["attune.user"],
            revision: metadata["attune.revision"])
    }

    /// The entries; `format` is what transformers asks for.
    public var metadata: [String: String] {
        var entries = ["format": "pt", "attune.base": base]
        entries["attune.recipe"] = recipe
        entries["attune.user"] = user
        entries["attune.revision"] = revision
        return entries
    }
}
