import Postgres
import Population
import Schema

/// Puts items into a tenant's catalogue, a batch a transaction.
struct CatalogueImport {
    /// What became of the items.
    struct Counts: Encodable {
        var items: Int64 = 0
        var added: Int64 = 0
        /// Items that were there with another text.
        var differing: Int64 = 0
    }

    private static let batchItems = 5000
    private static let batchBytes = 8 << 20

    let database: Connection
    let tenant: String
    let catalogue: String
    /// Whether an item that is there takes the new text.
    let replaces: Bool
    private(set) var counts = Counts()
    private var batch: [CatalogueItem] = []
    private var byteCount = 0

    init(database: Connection, tenant: String, catalogue: String, replaces: Bool) {
        self.database = database
        self.tenant = tenant
        self.catalogue = catalogue
        self.replaces = replaces
    }

    mutating func add(_ item: CatalogueItem) async throws {
        batch.append(item)
        byteCount += item.text.utf8.count
        if batch.count >= Self.batchItems || byteCount >= Self.batchBytes { try await flush() }
    }

    mutating func flush() async throws {
        guard !batch.isEmpty else { return }
        let items = batch
        let row = try await database.withTransaction { transaction in
            try await transaction.run(SQL.Queries.catalogueBegin)
            try await transaction.copyIn(Statement(SQL.Copies.catalogueItems)) { writer in
                for item in items { try await writer.append([.text(item.id), .text(item.text)]) }
            }
            return try await transaction.run(
                SQL.Queries.catalogueCommit, [.text(tenant), .text(catalogue), .bool(replaces)]
            ).one().values(Int64.self, Int64.self, Int64.self)
        }
        counts.items += row.0
        counts.added += row.1
        counts.differing += row.2
        batch = []
        byteCount = 0
    }
}
