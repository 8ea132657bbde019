import Registry

// In a file of its own: a generated item and a registered one have the same type name in two modules.
extension Registry {
    /// Imports items, given as ids and texts, into a tenant's default catalogue.
    func importTexts(_ items: [(id: String, text: String)], of tenant: String) async throws {
        try await importCatalogue(items.map { CatalogueItem(id: $0.id, text: $0.text) }, of: tenant)
    }
}
