/// A campaign as the leading scheduler plans with it: one row of what the database says at one instant.
public struct DrivenCampaign: Sendable, Equatable {
    /// Why it exists.
    public enum Purpose: String, Sendable {
        /// To bring everyone to a base.
        case adopt
        /// To adapt who changed under the base before, too, while the way back is open.
        case keep
    }

    /// Where it stands.
    public enum Phase: String, Sendable {
        /// A sample of users, all of whose judgement is awaited.
        case canary
        /// Everyone, in waves.
        case waves
        /// Users that changed or were missed meanwhile.
        case sweep
        /// Few such users remain.
        case ready
    }

    /// A wave of the present round.
    public struct Wave: Sendable, Equatable {
        /// 0 is the canary.
        public var number: Int
        /// Users it is to have.
        public var planned: Int64
        /// Users it has.
        public var fed: Int64
        /// How it was judged so far.
        public var verdict: WaveVerdict
        /// Users judged at the last look.
        public var looked: Int
        /// Users judged by now; only of a wave that is being watched.
        public var evidence: WaveEvidence

        /// States a wave.
        public init(
            number: Int, planned: Int64, fed: Int64, verdict: WaveVerdict, looked: Int, evidence: WaveEvidence
        ) {
            self.number = number
            self.planned = planned
            self.fed = fed
            self.verdict = verdict
            self.looked = looked
            self.evidence = evidence
        }
    }

    /// The campaign.
    public var id: Int32
    /// Why it exists.
    public var purpose = Purpose.adopt
    /// Whether its base serves already.
    public var isPromoted = false
    /// Where it stands.
    public var phase = Phase.canary
    /// Rises when it starts over under another recipe.
    public var round: Int32 = 1
    /// The wave being fed; -1: none yet.
    public var wave = -1
    /// Users up to this uid were fed in this phase; -1: the canary was not.
    public var cursor: Int64 = -1
    /// Jobs made so far.
    public var fed: Int64 = 0
    /// Of those, how many wait or run.
    public var ahead: Int64 = 0
    /// Users of the tenant when it began, about.
    public var users: Int64 = 0
    /// Users of the canary.
    public var canaryUsers = 500
    /// Each wave has this many times the users of the one before.
    public var waveGrowth = 4.0
    /// Users of each wave, about, that are judged.
    public var judgedUsers = 500
    /// How they are judged.
    public var rule = NonInferiority(margin: 0.02, errorRate: 0.05)
    /// Users a second at most; nil: as fast as the workers are.
    public var rateLimit: Double?
    /// Whether it is promoted when it is ready, without asking.
    public var promotesItself = false
    /// Sweeps that have come to their end.
    public var passes = 0
    /// Users that the last whole sweep found.
    public var leftOver: Int64?
    /// Seconds since that sweep ended.
    public var secondsSincePass: Double?
    /// Whether the time for the way back is over.
    public var isWindowOver = false
    /// Whether another recipe was activated under its base than it began with.
    public var hasOtherRecipe = false
    /// Whether its base is the one that served when it began: a new recipe for everyone, with nothing to promote.
    public var isUnderActiveBase = false
    /// Workers that live.
    public var workers = 0
    /// The waves of the present round, in order.
    public var waves: [Wave] = []

    /// A campaign that nothing has been done for.
    public init(id: Int32) { self.id = id }

    /// Users that a whole sweep may find and the campaign still counts as ready: a thousandth, at least three.
    public var fewUsers: Int64 { max(3, users / 1000) }

    /// Seconds between the end of a sweep that found few and the next: a sweep of a million users keeps a core busy for
    /// some seconds.
    public var sweepPauseSeconds: Double { max(10, Double(users) / 20_000) }
}
