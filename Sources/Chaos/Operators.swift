import Foundation
import Postgres
import Problem
import Queue
import Registry
import Schema
import Synchronization

/// People and services that cancel, retry, erase, roll back, promote and re-adapt while everything around them breaks.
final class Operators: Sendable {
    private let site: ChaosSite
    private let tenantIDs: [Int32]
    private let baseIDs: [String: Int32]
    private let pool: ConnectionPool
    private let producers: Producers
    private let heard = Mutex(Told())
    private let counts = Mutex<[Operation.Kind: Int]>([:])
    private let refusals = Mutex<[String: Int]>([:])

    init(
        _ site: ChaosSite, tenantIDs: [Int32], baseIDs: [String: Int32], pool: ConnectionPool, producers: Producers
    ) {
        self.site = site
        self.tenantIDs = tenantIDs
        self.baseIDs = baseIDs
        self.pool = pool
        self.producers = producers
    }

    /// What they were told; acceptances are the producers'.
    var told: Told { heard.withLock { $0 } }
    /// How often each kind was acknowledged.
    var done: [Operation.Kind: Int] { counts.withLock { $0 } }
    /// How often they were refused, by class of error: a job that has ended needs no retry, and so on.
    var refused: [String: Int] { refusals.withLock { $0 } }

    /// Does it, again where that is safe; whatever is refused or gets lost is counted and no more.
    func perform(_ operation: Operation) async throws {
        do {
            try await attempt(operation)
            counts.withLock { $0[operation.kind, default: 0] += 1 }
        } catch let error as any ProblemConvertible {
            refusals.withLock { $0["\(operation.kind.rawValue): \(error.problem.errorClass)", default: 0] += 1 }
        }
    }

    private func attempt(_ operation: Operation) async throws {
        let queue = PostgresQueueStore(pool)
        switch operation {
        case .cancel(let pick):
            guard let job = choose(producers.jobIDs, pick) else { return }
            if try await queue.cancel(jobID: job) == .cancelled { heard.withLock { $0.cancelled.append(job) } }
        case .retry(let pick):
            guard let job = choose(heard.withLock { $0.cancelled }, pick) ?? choose(producers.jobIDs, pick) else {
                return
            }
            let new = try await queue.retry(jobID: job)
            heard.withLock { $0.retried.append(new) }
        case .erase(let pick): try await erase(pick)
        case .rollback(let pick): try await rollBack(pick)
        case .promote(let pick): try await promote(pick)
        case .setLanes(let count): try await pool.execute(Statement(SQL.Chaos.setLanes), [.int32(Int32(count))])
        case .activateRecipe(let pick):
            let tenant = tenant(pick)
            let variants = site.recipes[0]
            try await Registry(pool).activateRecipe(
                variants[Int(pick * 1000) % variants.count], for: site.tenants[tenant].name)
        case .readapt(let pick):
            let base = site.baseNames[Int(pick * 1000) % site.baseNames.count]
            try await pool.execute(Statement(SQL.Chaos.readapt), [.text(site.tenants[tenant(pick)].name), .text(base)])
        }
    }

    private func tenant(_ pick: Double) -> Int { pick < 0.5 ? 0 : 1 }

    private func choose<Element>(_ all: [Element], _ pick: Double) -> Element? {
        all.isEmpty ? nil : all[Int(pick * Double(all.count))]
    }

    private func erase(_ pick: Double) async throws {
        let tenant = tenant(pick)
        let target = site.tenants[tenant]
        let user = Int(pick * 7919) % target.uids.count
        try await pool.execute(
            Statement(SQL.Chaos.eraseUser), [.text(target.name), .text(target.userID(user))])
        // Somebody of that name may have come back since an erasure before: only the first one's id is known here.
        heard.withLock { if !$0.erased.contains(target.uids[user]) { $0.erased.append(target.uids[user]) } }
    }

    private func rollBack(_ pick: Double) async throws {
        let target = site.tenants[tenant(pick)]
        guard let from = choose(target.uids, pick),
            let row = try await pool.execute(
                Statement(SQL.Chaos.rollbackCandidate), [.text(target.name), .int64(from)]
            ).oneOrNone()
        else { return }
        let (uid, user, number) = try row.values(Int64.self, String.self, Int32.self)
        let goal = Int32(pick * 1000) % number
        // Noted before it is asked for: a reply that gets lost leaves open whether it was done.
        heard.withLock { $0.rollbacks.append(Told.Rollback(uid: uid, from: number, to: goal)) }
        try await pool.execute(
            Statement(SQL.Chaos.rollbackUser), [.text(target.name), .text(user), .int32(goal), .int32(number)])
    }

    /// To the other base and, a second later, back: the way back has to come, whatever happens.
    private func promote(_ pick: Double) async throws {
        let tenant = tenant(pick)
        for base in [site.baseNames[1], site.baseNames[0]] {
            try await serve(base, tenant)
            if base == site.baseNames[1] { try await Task.sleep(for: .seconds(1)) }
        }
    }

    private func serve(_ base: String, _ tenant: Int) async throws {
        while true {
            do {
                let epoch = try await Registry(pool).promote(base: base, for: site.tenants[tenant].name)
                guard let id = baseIDs[base] else { return }
                heard.withLock {
                    $0.promotions.append(Told.Promotion(tenantID: tenantIDs[tenant], baseID: id, epoch: epoch))
                }
                return
            } catch let error as any ProblemConvertible where error.problem.isRetryable {
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }
}
