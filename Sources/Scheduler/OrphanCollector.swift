import Foundation
import Logging
public import ObjectStore
import Problem
public import Queue

/// Deletes objects that no revision names and no attempt can publish any more (QUEUE rule 8).
///
/// The database decides and writes down which, before anything is deleted: from then on no publish can name them. Works
/// through the store page by page, a bounded step a tick.
public actor OrphanCollector {
    private let queue: SchedulerQueue
    private let store: any ObjectStore
    private let pageSize: Int
    private var after: String?

    /// Looks at `pageSize` objects a step.
    public init(queue: SchedulerQueue, store: any ObjectStore, pageSize: Int = 500) {
        self.queue = queue
        self.store = store
        self.pageSize = pageSize
    }

    /// One step; returns how many objects were deleted. After the last page the next step begins anew.
    public func step() async throws -> Int {
        let page = try await store.list(prefix: "", after: after, limit: pageSize)
        after = page.count < pageSize ? nil : page.last?.key.string
        guard !page.isEmpty else { return 0 }
        let condemned = try await queue.condemn(page.map { ($0.key.string, Int64($0.byteCount)) })
        for key in condemned { try await store.delete(try ObjectKey(key)) }
        if !condemned.isEmpty { try await queue.objectsDeleted(condemned) }
        return condemned.count
    }
}
