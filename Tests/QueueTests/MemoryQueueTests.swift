import Queue
import Testing

struct MemoryWorld: QueueWorld {
    let memory = MemoryQueueStore()
    var store: any QueueStore { memory }
    var lanes: [Int32] { (0..<16).map { 65536 + $0 } }

    func addTenant(_ name: String, isActive: Bool) async throws {
        if isActive { try memory.addTenant(name, base: 1, recipe: 1) } else { try memory.addTenant(name) }
    }
    func activate(recipe: Int32, for tenant: String) async throws {
        try memory.activate(base: 1, recipe: recipe, for: tenant)
    }
    func record(_ examples: Int, of user: String, tenant: String) async throws {
        try memory.record(examples, of: user, tenant: tenant)
    }
    func erase(_ user: String, tenant: String) async throws { try memory.erase(user, tenant: tenant) }
    func revision(of user: String, tenant: String) async throws -> Int32? {
        try memory.revision(of: user, tenant: tenant)
    }
    func expireLease(ofWorker workerID: Int64) async throws { try memory.expireLease(ofWorker: workerID) }
    func limit(_ tenant: String, maxRunning: Int?, jobsPerSecond: Double?) async throws {
        try memory.setLimit(of: tenant, maxRunning: maxRunning, jobsPerSecond: jobsPerSecond)
    }
    func setPaused(_ isPaused: Bool, tenant: String, kind: String?) async throws {
        try memory.setPaused(isPaused, tenant: tenant, kind: kind)
    }
    func makeDeferredDue() async throws { try memory.makeDeferredDue() }
    func reported() async throws -> [WorkStatistics.Ending: Int64] {
        let statistics = try memory.statistics()
        return Dictionary(uniqueKeysWithValues: WorkStatistics.Ending.allCases.map { ($0, statistics.jobs($0)) })
            .filter { $0.value > 0 }
    }
}

@Suite struct MemoryQueueTests {
    @Test("the queue in memory", arguments: QueueConformance.allCases)
    func conforms(_ conformance: QueueConformance) async throws { try await conformance.check(MemoryWorld()) }
}
