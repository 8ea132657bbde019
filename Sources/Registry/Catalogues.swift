import Postgres
import Schema

/// An item of a catalogue, as a tenant names it.
public struct CatalogueItem: Sendable, Equatable {
    /// The tenant's own id, 1 to 200 characters.
    public var id: String
    /// Its text, 1 to 20,000 characters.
    public var text: String

    /// Makes an item.
    public init(id: String, text: String) {
        self.id = id
        self.text = text
    }
}

/// An item as it is stored.
public struct StoredItem: Sendable, Equatable {
    /// The surrogate id that examples carry, from 1.
    public let itemID: Int32
    /// The tenant's own id.
    public let id: String
    /// Its text.
    public let text: String
    /// SHA-256 of the text in UTF-8: the key of its features in every cache.
    public let digest: [UInt8]
}

/// What an import of a catalogue did.
public struct CatalogueReport: Sendable, Equatable {
    /// Items that were not there.
    public let added: Int
    /// Items that have another text now.
    public let changed: Int
    /// Items that were there as they are.
    public let unchanged: Int

    package init(added: Int, changed: Int, unchanged: Int) {
        (self.added, self.changed, self.unchanged) = (added, changed, unchanged)
    }
}

extension Registry {
    /// Adds items to a tenant's catalogue and changes texts in it, all or nothing. `write` appends the items, in order; it
    /// may suspend and throw, and then nothing is imported.
    ///
    /// Refused, naming the row: `bad_item_id`, `empty_text`, `text_too_long`, `duplicate_item`; also `unknown_tenant`.
    @discardableResult
    public func importCatalogue(
        _ catalogue: String = "default", of tenant: String, _ write: (inout CatalogueWriter) async throws -> Void
    ) async throws -> CatalogueReport {
        try await pool.withTransaction { connection in
            try await connection.execute(Statement(SQL.Queries.catalogueBegin))
            try await connection.copyIn(Statement(SQL.Copy.items)) { copy in
                var writer = CatalogueWriter(copy: copy)
                try await write(&writer)
                copy = writer.copy
            }
            let (added, changed, unchanged) = try await connection.execute(
                Statement(SQL.Queries.catalogueCommit), [.text(tenant), .text(catalogue)]
            ).one().values(Int.self, Int.self, Int.self)
            return CatalogueReport(added: added, changed: changed, unchanged: unchanged)
        }
    }

    /// Adds items that are in memory; as ``importCatalogue(_:of:_:)``.
    @discardableResult
    public func importCatalogue(
        _ items: [CatalogueItem], into catalogue: String = "default", of tenant: String
    ) async throws -> CatalogueReport {
        try await importCatalogue(catalogue, of: tenant) { writer in
            for item in items { try await writer.append(item) }
        }
    }

    /// A page of a catalogue, in the order of item ids; the last one's is the next page's `after`.
    public func catalogueItems(
        _ catalogue: String = "default", of tenant: String, after itemID: Int32 = 0, limit: Int
    ) async throws -> [StoredItem] {
        try await pool.execute(
            Statement(SQL.Queries.catalogueItems),
            [.text(tenant), .text(catalogue), .int32(itemID), .int64(Int64(limit))]
        ).map { row in
            let (itemID, id, text, digest) = try row.values(Int32.self, String.self, String.self, [UInt8].self)
            return StoredItem(itemID: itemID, id: id, text: text, digest: digest)
        }
    }
}

/// Takes the items of a catalogue on their way to the server.
public struct CatalogueWriter {
    fileprivate var copy: CopyWriter

    /// Adds an item; what the server finds wrong with it is said at the end of the import.
    public mutating func append(_ item: CatalogueItem) async throws {
        try await copy.append([.text(item.id), .text(item.text)])
    }
}
