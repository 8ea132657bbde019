import Embedded
import Foundation
import Loopback
import Postgres
import Problem
import Registry
import Schema

/// What came of a plan.
struct Drama: Sendable {
    var faults: [Fault.Kind: Int] = [:]
    var probes: [ClaimProbe] = []
    /// The run, by the database's clock.
    var window: ClosedRange<Double> = 0...0
    var seconds = 0.0
    /// Processes that did not end in order when they were asked to.
    var late: [String] = []
}

/// Everybody who takes part in a run: processes, producers, operators, and who breaks things.
struct Stage: Sendable {
    let plan: ChaosPlan
    let crew: Crew
    let producers: Producers
    let operators: Operators
    let injector: FaultInjector
    private let patienceSeconds: Double
    /// nil without the guards: what a second effect leaves behind makes claims fail, and their cost says nothing.
    private let prober: ClaimProber?
    private let pool: ConnectionPool
    private let pools: [ConnectionPool]
    private let lines: [Crew.Line]

    init(
        _ configuration: ChaosRun.Configuration, _ site: ChaosSite, _ servers: ChaosServers, _ pool: ConnectionPool
    ) async throws {
        plan = ChaosPlan(seed: configuration.seed, size: configuration.size)
        patienceSeconds = configuration.patienceSeconds
        prober = configuration.sabotage == nil ? ClaimProber(conninfo: servers.postgres.conninfo) : nil
        self.pool = pool
        let clocks = WorkerClocks(folder: configuration.folder)
        crew = try Crew(
            workers: configuration.size.workers, schedulers: configuration.size.schedulers, servers: servers,
            clocks: clocks, folder: configuration.folder, environment: ChaosRun.environment(configuration, site),
            bases: site.basePaths,
            workerArguments: ["--threads", "1", "--heartbeat", "0.4", "--jobs-per-claim", "100", "--drain", "5"])
        lines = [try Crew.Line(servers), try Crew.Line(servers)]
        pools = lines.map { ConnectionPool($0.conninfo, limit: 6) }
        var tenantIDs: [Int32] = []
        for tenant in site.tenants { tenantIDs.append(try await Registry(pool).tenant(tenant.name).id) }
        let bases = try await Registry(pool).bases()
        producers = Producers(
            site, tenantIDs: tenantIDs, pool: pools[0], jobs: configuration.jobs, seed: configuration.seed)
        operators = Operators(
            site, tenantIDs: tenantIDs,
            baseIDs: Dictionary(uniqueKeysWithValues: bases.map { ($0.name, $0.id) }), pool: pools[1],
            producers: producers)
        injector = FaultInjector(
            crew: crew, servers: servers, clocks: clocks, producers: lines[0], operators: lines[1])
    }

    /// Plays the plan to its end and waits until all work has ended.
    func play(_ progress: @escaping @Sendable (String) -> Void) async throws -> Drama {
        var drama = Drama()
        let start = ContinuousClock.now
        let opened: Double = try await now()
        drama.probes = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.crew.superviseUntilDismissed() }
            let work = Task { try await self.producers.run() }
            let probes: [ClaimProbe]
            do {
                probes = try await self.playEvents(progress)
                try await self.injector.heal()
                self.producers.allow(share: 1)
                try await work.value
                try await self.waitForTheEnd(progress)
            } catch {
                work.cancel()
                self.crew.end()
                throw error
            }
            drama.faults = self.injector.happened
            drama.late = try await self.crew.dismiss(within: 20)
            try await group.waitForAll()
            return probes
        }
        drama.seconds = (ContinuousClock.now - start) / .seconds(1)
        drama.window = opened...(try await now())
        for pool in pools { await pool.close() }
        crew.end()
        for line in lines {
            line.database.close()
            line.store.close()
        }
        return drama
    }

    private func now() async throws -> Double { try await pool.execute(Statement(SQL.Chaos.now)).one().decode(0) }

    /// One event after another; producers keep a little ahead of them, so that faults always meet work.
    private func playEvents(_ progress: @Sendable (String) -> Void) async throws -> [ClaimProbe] {
        var probes: [ClaimProbe] = []
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, event) in plan.events.enumerated() {
                producers.allow(share: Double(index) / Double(plan.events.count) + 0.08)
                try await Task.sleep(for: .seconds(event.afterSeconds))
                switch event.action {
                case .fault(let fault): try await injector.inject(fault)
                case .operation(let operation): group.addTask { try await operators.perform(operation) }
                }
                if index % max(1, plan.events.count / 10) == 2 {
                    progress("event \(index) of \(plan.events.count), \(producers.accepted.count) jobs accepted")
                    if let probe = try await prober?.probe("after \(index) events") { probes.append(probe) }
                }
            }
            // What operators still wait for ends when nothing is held any more.
            try await injector.heal()
            try await group.waitForAll()
        }
        return probes
    }

    /// Until nothing waits or runs, or patience is over: the checker names what is left then.
    private func waitForTheEnd(_ progress: @Sendable (String) -> Void) async throws {
        let end = ContinuousClock.now + .seconds(patienceSeconds)
        var calmLooks = 0
        while ContinuousClock.now < end, calmLooks < 3 {
            // Campaigns would go on for as long as the way back is open.
            try await pool.execute(Statement(SQL.Chaos.endCampaigns))
            let row = try await pool.execute(Statement(SQL.Chaos.openWork)).one()
            let (waiting, running, deferred) = try row.values(Int64.self, Int64.self, Int64.self)
            calmLooks = waiting + running + deferred == 0 ? calmLooks + 1 : 0
            progress("everything works again; chunks: \(waiting) wait, \(running) run, \(deferred) are put off")
            try await Task.sleep(for: .milliseconds(300))
        }
    }
}
