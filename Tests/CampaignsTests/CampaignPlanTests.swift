import Campaigns
import Testing

@Suite struct CampaignPlanTests {
    /// A tenant's campaign in memory: does what the database would do with each step.
    private struct Simulation {
        var campaign = DrivenCampaign(id: 1)
        var users: Int64
        var difference: (Int) -> Double
        var log: [CampaignPlan.Step] = []
        var isOver = false
        /// Users judged in the wave that is being fed, and how many of those are known by now.
        private var judgedOfWave: [Int: Double] = [:]

        init(users: Int64, difference: @escaping (Int) -> Double) {
            self.users = users
            self.difference = difference
        }

        mutating func take(_ step: CampaignPlan.Step) {
            log.append(step)
            switch step {
            case .begin(let wave, let planned, let share):
                campaign.wave = wave
                campaign.phase = wave == 0 ? .canary : .waves
                campaign.waves.append(
                    .init(
                        number: wave, planned: planned, fed: 0, verdict: .watching, looked: 0,
                        evidence: WaveEvidence(users: 0, mean: 0, deviation: 0)))
                judgedOfWave[wave] = share
            case .judge(let wave, let verdict, let evidence, _):
                campaign.waves[wave].verdict = verdict
                campaign.waves[wave].looked = evidence.users
                if verdict == .failed || verdict == .undecided { isOver = true }
            case .feed(let wanted): feed(Int64(wanted))
            case .sweep: (campaign.phase, campaign.cursor) = (.sweep, 0)
            case .ready: campaign.phase = .ready
            case .promote, .pause, .complete: isOver = true
            }
        }

        private mutating func feed(_ wanted: Int64) {
            switch campaign.phase {
            case .canary:
                let fed = min(wanted, users)
                (campaign.cursor, campaign.users) = (0, users)
                add(fed)
            case .waves:
                let fed = min(wanted, users - campaign.cursor)
                campaign.cursor += fed
                add(fed)
                if campaign.cursor == users { take(.sweep) }
            case .sweep, .ready:
                (campaign.passes, campaign.leftOver, campaign.secondsSincePass) = (campaign.passes + 1, 0, 0)
            }
        }

        private mutating func add(_ fed: Int64) {
            campaign.fed += fed
            campaign.ahead += fed
            campaign.waves[campaign.wave].fed += fed
        }

        /// The workers end everything that waits.
        mutating func work() {
            campaign.ahead = 0
            for index in campaign.waves.indices where campaign.waves[index].verdict == .watching {
                let wave = campaign.waves[index]
                campaign.waves[index].evidence = WaveEvidence(
                    users: Int((Double(wave.fed) * (judgedOfWave[index] ?? 0)).rounded()), mean: difference(index),
                    deviation: 0.05)
            }
        }

        /// Drives it until nothing more happens.
        mutating func run() {
            for _ in 0..<10_000 where !isOver {
                var steps = 0
                while !isOver, steps < 12, let step = CampaignPlan.next(campaign, room: 5000) {
                    take(step)
                    steps += 1
                }
                if campaign.phase == .ready { return }
                work()
            }
        }
    }

    @Test(
        "a good campaign passes the canary, then waves that grow, then sweeps, and is ready",
        arguments: [
            Int64(700), 20_000, 1_000_000,
        ])
    func good(users: Int64) {
        var simulation = Simulation(users: users) { _ in 0 }
        simulation.run()
        #expect(simulation.campaign.phase == .ready)
        #expect(simulation.campaign.waves.allSatisfy { $0.verdict.letsGoOn })
        #expect(simulation.campaign.cursor == 0 && simulation.campaign.passes == 1)
        let planned = simulation.campaign.waves.map(\.planned)
        #expect(planned.first == 500)
        #expect(zip(planned, planned.dropFirst()).allSatisfy { $0 * 4 == $1 })
        let judged = simulation.log.compactMap { step -> Double? in
            guard case .begin(_, let users, let share) = step else { return nil }
            return Double(users) * share
        }
        #expect(judged.allSatisfy { abs($0 - 500) < 1 })
    }

    @Test("a bad canary pauses before anyone else is fed")
    func badCanary() {
        var simulation = Simulation(users: 1_000_000) { _ in 0.2 }
        simulation.run()
        #expect(simulation.isOver)
        #expect(simulation.campaign.fed == 500)
        #expect(simulation.campaign.waves.map(\.verdict) == [.failed])
    }

    @Test("a wave that turns bad stops the campaign with at most the next one begun", arguments: [1, 2, 3])
    func badWave(_ bad: Int) {
        var simulation = Simulation(users: 1_000_000) { $0 == bad ? 0.2 : 0 }
        simulation.run()
        #expect(simulation.isOver)
        #expect(simulation.campaign.waves[bad].verdict == .failed)
        #expect(simulation.campaign.wave <= bad + 1)
    }

    @Test("an interval that still crosses the margin when everyone was judged pauses")
    func undecided() {
        var simulation = Simulation(users: 1_000_000) { _ in 0.019 }
        simulation.run()
        #expect(simulation.isOver && simulation.campaign.waves.map(\.verdict) == [.undecided])
    }

    @Test("a canary of too few users is undecided, a last wave of too few is carried by those before it")
    func few() {
        var small = Simulation(users: 20) { _ in -1 }
        small.run()
        #expect(small.campaign.waves.map(\.verdict) == [.undecided])
        var tail = Simulation(users: 2020) { _ in 0 }
        tail.campaign.judgedUsers = 400
        tail.run()
        #expect(tail.campaign.waves.map(\.verdict) == [.passed, .passed, .unjudged])
        #expect(tail.campaign.phase == .ready)
    }

    @Test(
        "another recipe under its base pauses it at any phase before promotion",
        arguments: [
            DrivenCampaign.Phase.canary, .waves, .sweep, .ready,
        ])
    func otherRecipe(_ phase: DrivenCampaign.Phase) {
        var campaign = DrivenCampaign(id: 1)
        (campaign.phase, campaign.hasOtherRecipe) = (phase, true)
        guard case .pause = CampaignPlan.next(campaign, room: 100) else {
            Issue.record("it goes on")
            return
        }
        campaign.isPromoted = true
        #expect(CampaignPlan.next(campaign, room: 0) == nil)
    }

    @Test("a sweep begins when nothing is ahead, goes on while it finds many, and rests once it found few")
    func sweeps() {
        var campaign = DrivenCampaign(id: 1)
        (campaign.phase, campaign.cursor, campaign.wave, campaign.users) = (.sweep, 0, 3, 1_000_000)
        campaign.ahead = 10
        #expect(CampaignPlan.next(campaign, room: 100) == nil)
        campaign.ahead = 0
        #expect(CampaignPlan.next(campaign, room: 100) == .feed(users: 100))
        (campaign.passes, campaign.leftOver, campaign.secondsSincePass) = (1, 1001, 0)
        #expect(CampaignPlan.next(campaign, room: 100) == .feed(users: 100))
        campaign.leftOver = 1000
        #expect(CampaignPlan.next(campaign, room: 100) == .ready)
        campaign.phase = .ready
        #expect(CampaignPlan.next(campaign, room: 100) == nil)
        campaign.secondsSincePass = 51
        #expect(CampaignPlan.next(campaign, room: 100) == .feed(users: 100))
        campaign.promotesItself = true
        #expect(CampaignPlan.next(campaign, room: 100) == .promote)
        campaign.isUnderActiveBase = true
        campaign.phase = .sweep
        #expect(CampaignPlan.next(campaign, room: 100) == .complete)
    }

    @Test("a promoted campaign, and one that keeps the base before, sweep on until the window closes")
    func window() {
        for (promoted, purpose) in [(true, DrivenCampaign.Purpose.adopt), (false, .keep)] {
            var campaign = DrivenCampaign(id: 1)
            (campaign.phase, campaign.cursor, campaign.isPromoted, campaign.purpose) = (.sweep, 0, promoted, purpose)
            #expect(CampaignPlan.next(campaign, room: 100) == .feed(users: 100))
            (campaign.leftOver, campaign.secondsSincePass) = (0, 1)
            #expect(CampaignPlan.next(campaign, room: 100) == nil)
            campaign.isWindowOver = true
            #expect(CampaignPlan.next(campaign, room: 100) == .complete)
        }
    }

    @Test("why it paused names the wave, the interval and the margin")
    func reasons() {
        let rule = NonInferiority(margin: 0.02, errorRate: 0.05)
        let bad = WaveEvidence(users: 300, mean: 0.2, deviation: 0.05)
        #expect(
            CampaignPlan.pauseReason(0, .failed, bad, rule: rule)
                == "the canary failed: held-out loss is worse by 0.1912 to 0.2088 nats, the margin is 0.02")
        #expect(CampaignPlan.pauseReason(2, .undecided, bad, rule: rule).hasPrefix("wave 2 is undecided"))
        #expect(
            CampaignPlan.pauseReason(0, .undecided, WaveEvidence(users: 3, mean: 0, deviation: 0), rule: rule)
                == "the canary is undecided: 3 users were judged, at least 30 are needed")
    }
}
