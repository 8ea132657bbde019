import Registry
import Synchronization

/// What campaigns are about. A brief does not change while its campaign runs: each is read once.
final class CampaignBriefs: Sendable {
    private let inputs: AdaptationInputs
    private let known = Mutex<[Int32: CampaignBrief]>([:])

    init(inputs: AdaptationInputs) { self.inputs = inputs }

    /// The brief of a campaign; nil when it is gone.
    func brief(_ campaign: Int32) async throws -> CampaignBrief? {
        if let brief = known.withLock({ $0[campaign] }) { return brief }
        guard let brief = try await inputs.campaignBrief(campaign) else { return nil }
        known.withLock { known in
            if known.count > 100 { known.removeAll() }
            known[campaign] = brief
        }
        return brief
    }
}
