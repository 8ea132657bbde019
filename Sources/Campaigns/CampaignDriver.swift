public import Logging
public import Postgres
import Problem
import Schema

/// Takes the leading scheduler's steps for all campaigns: reads how each stands, asks ``CampaignPlan`` what to do, does it.
///
/// Whatever it remembers between ticks is pace alone; a leader that takes over begins with what the database says.
public actor CampaignDriver {
    /// Steps for one campaign in one tick at most.
    private static let stepsPerTick = 12
    /// Users in one transaction at most.
    private static let usersPerStep = 10_000

    private let pool: ConnectionPool
    private let logger: Logger
    private var paces: [Int32: FeedPace] = [:]

    /// A driver over a pool whose role has attune_worker.
    public init(_ pool: ConnectionPool, logger: Logger) {
        self.pool = pool
        self.logger = logger
    }

    /// One round over all campaigns.
    ///
    /// - Parameters:
    ///   - epoch: of the leadership; every write carries it.
    ///   - seconds: of a clock that only rises.
    /// - Throws: `deposed` when another leads by now.
    public func tick(epoch: Int64, at seconds: Double) async throws {
        let campaigns = try await read()
        paces = paces.filter { known in campaigns.contains { $0.id == known.key } }
        for campaign in campaigns {
            var pace = paces[campaign.id] ?? FeedPace()
            pace.note(
                ended: campaign.fed - campaign.ahead, ahead: campaign.ahead, workers: campaign.workers,
                rateLimit: campaign.rateLimit, at: seconds)
            try await pool.execute(
                Statement(SQL.Queries.noteCampaign),
                [.int64(epoch), .int32(campaign.id), .int64(campaign.ahead), .float(pace.rate.map { Float($0) })])
            try await drive(campaign, &pace, epoch)
            paces[campaign.id] = pace
        }
    }

    private func drive(_ first: DrivenCampaign, _ pace: inout FeedPace, _ epoch: Int64) async throws {
        var campaign = first
        for _ in 0..<Self.stepsPerTick {
            let room = min(pace.room(ahead: campaign.ahead), Self.usersPerStep)
            guard let step = CampaignPlan.next(campaign, room: room) else { return }
            if case .feed(let users) = step {
                guard let fed = try await feed(campaign, users, epoch) else { return }
                pace.spend(fed.users)
                campaign.ahead += Int64(fed.users)
                if fed.isEnd, campaign.phase == .waves {
                    try await take(.sweep, campaign, epoch)
                    return
                }
                // A sweep that has come to its end is judged by what it found; the next tick reads that.
                if fed.isEnd { return }
                campaign.cursor = fed.cursor
                if let last = campaign.waves.indices.last { campaign.waves[last].fed += Int64(fed.users) }
            } else {
                let isDone = try await take(step, campaign, epoch)
                if case .judge(let wave, .watching, let evidence, _) = step, isDone,
                    let index = campaign.waves.firstIndex(where: { $0.number == wave })
                {
                    campaign.waves[index].looked = evidence.users
                    continue
                }
                guard isDone, let again = try await read().first(where: { $0.id == campaign.id }) else { return }
                campaign = again
            }
        }
    }

    private func feed(
        _ campaign: DrivenCampaign, _ users: Int, _ epoch: Int64
    ) async throws -> (cursor: Int64, users: Int, isEnd: Bool)? {
        let rows = try await pool.execute(
            Statement(SQL.Queries.feedCampaign),
            [.int64(epoch), .int32(campaign.id), .int64(campaign.cursor), .int32(Int32(clamping: users))])
        guard let row = try rows.oneOrNone() else { return nil }
        return (try row.decode(0), try row.decode(1), try row.decode(2))
    }

    /// Does what is no feeding; false when the campaign had moved on.
    @discardableResult
    private func take(_ step: CampaignPlan.Step, _ campaign: DrivenCampaign, _ epoch: Int64) async throws -> Bool {
        logger.info("campaign", metadata: ["campaign": "\(campaign.id)", "step": "\(step)"])
        let key: [Value] = [.int64(epoch), .int32(campaign.id), .int32(campaign.round)]
        switch step {
        case .begin(let wave, let users, let share):
            return try await isTrue(
                SQL.Queries.beginWave, key + [.int32(Int32(wave)), .int64(users), .float(Float(share))])
        case .judge(let wave, let verdict, let evidence, let interval):
            let reason = CampaignPlan.pauseReason(wave, verdict, evidence, rule: campaign.rule)
            return try await isTrue(
                SQL.Queries.judgeWave,
                key + [
                    .int32(Int32(wave)), .text(verdict.rawValue), .int32(Int32(evidence.users)),
                    .double(evidence.mean), .double(interval?.lowerBound), .double(interval?.upperBound), .text(reason),
                ])
        case .sweep: return try await turn(campaign, to: "sweep", key)
        case .ready: return try await turn(campaign, to: "ready", key)
        case .complete: return try await turn(campaign, to: "completed", key)
        case .pause(let reason): return try await turn(campaign, to: "paused", key, reason)
        case .promote:
            let rows = try await pool.execute(
                Statement(SQL.Queries.promoteReady), [.int64(epoch), .int32(campaign.id)])
            return try rows.one().decode(0, as: Int64?.self) != nil
        case .feed: return false
        }
    }

    private func turn(
        _ campaign: DrivenCampaign, to phase: String, _ key: [Value], _ reason: String? = nil
    ) async throws -> Bool {
        let from = campaign.isPromoted ? "promoted" : campaign.phase.rawValue
        return try await isTrue(SQL.Queries.turnCampaign, key + [.text(from), .text(phase), .text(reason)])
    }

    private func isTrue(_ file: SQLFile, _ values: [Value]) async throws -> Bool {
        try await pool.execute(Statement(file), Parameters(values)).one().decode(0)
    }

    /// Every campaign that is to be driven.
    func read() async throws -> [DrivenCampaign] {
        try await pool.execute(Statement(SQL.Queries.drivenCampaigns)).map { try DrivenCampaign($0) }
    }
}
