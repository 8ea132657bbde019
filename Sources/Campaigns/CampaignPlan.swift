/// What the leader does next about a campaign: a pure function of what the database says (``DrivenCampaign``).
///
/// One wave may be fed while the wave before it is still being judged, so that workers do not idle; the canary is waited
/// for. A wave's sample is complete when all of it was fed and no job of the campaign waits or runs.
public enum CampaignPlan {
    /// One thing to do. Each is one transaction that does nothing if the campaign has moved on meanwhile.
    public enum Step: Sendable, Equatable {
        /// Begin a wave.
        case begin(wave: Int, users: Int64, judgedShare: Double)
        /// Write down a look at a wave.
        case judge(wave: Int, verdict: WaveVerdict, evidence: WaveEvidence, interval: ClosedRange<Double>?)
        /// Make jobs for the next users, at most that many.
        case feed(users: Int)
        /// Go on to sweeping.
        case sweep
        /// Say that it may be promoted.
        case ready
        /// Let its base serve.
        case promote
        /// Stop feeding it.
        case pause(reason: String)
        /// End it.
        case complete
    }

    /// What to do now; nil when there is nothing to do until something changes.
    ///
    /// - Parameters:
    ///   - campaign: as it stands.
    ///   - room: users that may be fed now.
    public static func next(_ campaign: DrivenCampaign, room: Int) -> Step? {
        if campaign.purpose == .keep || campaign.isPromoted {
            return campaign.isWindowOver ? .complete : sweepStep(campaign, room)
        }
        if campaign.hasOtherRecipe {
            return .pause(
                reason:
                    "another recipe was activated under its base than it began with; resuming begins a new round with it"
            )
        }
        if let look = judgement(campaign) { return look }
        switch campaign.phase {
        case .canary: return canaryStep(campaign)
        case .waves: return waveStep(campaign, room)
        case .sweep:
            guard campaign.passes > 0, let left = campaign.leftOver, left <= campaign.fewUsers, campaign.ahead == 0,
                campaign.cursor == 0
            else { return sweepStep(campaign, room) }
            guard campaign.waves.allSatisfy(\.verdict.letsGoOn) else { return nil }
            return campaign.isUnderActiveBase ? .complete : .ready
        case .ready: return campaign.promotesItself ? .promote : sweepStep(campaign, room)
        }
    }

    /// Why a verdict pauses a campaign, as people read it.
    public static func pauseReason(_ wave: Int, _ verdict: WaveVerdict, _ evidence: WaveEvidence, rule: NonInferiority)
        -> String
    {
        let name = wave == 0 ? "the canary" : "wave \(wave)"
        guard let interval = rule.interval(evidence) else {
            return "\(name) is undecided: \(evidence.users) users were judged, at least "
                + "\(NonInferiority.minimumUsers) are needed"
        }
        let bounds = "\(rounded(interval.lowerBound)) to \(rounded(interval.upperBound))"
        return verdict == .failed
            ? "\(name) failed: held-out loss is worse by \(bounds) nats, the margin is \(rounded(rule.margin))"
            : "\(name) is undecided: held-out loss differs by \(bounds) nats over \(evidence.users) users, the margin is "
                + "\(rounded(rule.margin))"
    }

    private static func rounded(_ nats: Double) -> String { String((nats * 10_000).rounded() / 10_000) }

    private static func judgement(_ campaign: DrivenCampaign) -> Step? {
        for wave in campaign.waves where wave.verdict == .watching {
            let isFed =
                wave.number < campaign.wave || ![.canary, .waves].contains(campaign.phase) || wave.fed >= wave.planned
                || (wave.number == 0 && campaign.cursor >= 0)
            let isComplete = isFed && campaign.ahead == 0
            guard wave.evidence.users > wave.looked || isComplete else { continue }
            var verdict = campaign.rule.verdict(wave.evidence, isComplete: isComplete)
            // The last wave may be of a few users: those before it speak for it. The canary has none before it.
            if verdict == .undecided, wave.number > 0, wave.evidence.users < NonInferiority.minimumUsers {
                verdict = .unjudged
            }
            return .judge(
                wave: wave.number, verdict: verdict, evidence: wave.evidence,
                interval: campaign.rule.interval(wave.evidence))
        }
        return nil
    }

    private static func canaryStep(_ campaign: DrivenCampaign) -> Step? {
        if campaign.wave < 0 { return begin(0, campaign) }
        if campaign.cursor < 0 { return .feed(users: campaign.canaryUsers) }
        return campaign.waves.allSatisfy(\.verdict.letsGoOn) ? begin(1, campaign) : nil
    }

    private static func waveStep(_ campaign: DrivenCampaign, _ room: Int) -> Step? {
        guard let current = campaign.waves.last else { return nil }
        if current.fed < current.planned {
            let users = min(Int64(room), current.planned - current.fed)
            return users > 0 ? .feed(users: Int(users)) : nil
        }
        return campaign.waves.dropLast().allSatisfy(\.verdict.letsGoOn) ? begin(current.number + 1, campaign) : nil
    }

    private static func begin(_ wave: Int, _ campaign: DrivenCampaign) -> Step {
        // Past the number of users there is nothing to plan for.
        var users = Double(campaign.canaryUsers)
        for _ in 0..<min(wave, 64) { users = min(users * campaign.waveGrowth, 1e15) }
        let share = min(1, Double(campaign.judgedUsers) / users)
        return .begin(wave: wave, users: Int64(users), judgedShare: share)
    }

    /// A sweep begins when no job of the campaign waits or runs, or it would find those users again; once it found few, the
    /// next one has time.
    private static func sweepStep(_ campaign: DrivenCampaign, _ room: Int) -> Step? {
        guard room > 0 else { return nil }
        if campaign.cursor == 0 {
            guard campaign.ahead == 0 else { return nil }
            if let left = campaign.leftOver, left <= campaign.fewUsers,
                let seconds = campaign.secondsSincePass, seconds < campaign.sweepPauseSeconds
            {
                return nil
            }
        }
        return .feed(users: room)
    }
}
