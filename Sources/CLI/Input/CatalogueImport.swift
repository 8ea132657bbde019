import Postgres
import Problem
import Registry

/// Puts items into a tenant's catalogue, a batch a transaction.
struct CatalogueImport {
    /// What became of the items.
    struct Counts: Encodable {
        var added = 0
        /// Items that had another text.
        var changed = 0
        var unchanged = 0

        var items: Int { added + changed + unchanged }
    }

    private static let batchItems = 5000
    private static let batchBytes = 8 << 20

    let registry: Registry
    let tenant: String
    let catalogue: String
    private(set) var counts = Counts()
    private var batch: [CatalogueItem] = []
    private var byteCount = 0

    init(registry: Registry, tenant: String, catalogue: String) {
        self.registry = registry
        self.tenant = tenant
        self.catalogue = catalogue
    }

    mutating func add(id: String, text: String) async throws {
        batch.append(CatalogueItem(id: id, text: text))
        byteCount += text.utf8.count
        if batch.count >= Self.batchItems || byteCount >= Self.batchBytes { try await flush() }
    }

    mutating func flush() async throws {
        guard !batch.isEmpty else { return }
        let report = try await registry.importCatalogue(batch, into: catalogue, of: tenant)
        counts.added += report.added
        counts.changed += report.changed
        counts.unchanged += report.unchanged
        batch = []
        byteCount = 0
    }

    /// Refuses a catalogue in which an item of `texts` (by id) has another text: the users recorded with it would come to
    /// have said something else.
    static func requireUnchanged(
        _ texts: [String: String], in catalogue: String, of tenant: String, _ registry: Registry
    ) async throws {
        var after: Int32 = 0
        while true {
            let page = try await registry.catalogueItems(catalogue, of: tenant, after: after, limit: 10_000)
            guard let last = page.last else { return }
            after = last.itemID
            if let other = page.first(where: { item in texts[item.id, default: item.text] != item.text }) {
                throw Problem(
                    "catalogue_differs", at: "\(tenant)/\(catalogue)",
                    "item \(Problem.excerpt(other.id)) has another text than this seed generates.",
                    do: "use the seed and --items of the first sample, or another tenant.")
            }
        }
    }
}
