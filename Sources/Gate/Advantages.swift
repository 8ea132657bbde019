/// What a draw's reward is compared with.
public enum Advantages {
    /// Each reward less the mean of the others of the same user (Kool et al. 2019); empty with fewer than two.
    public static func leaveOneOut(_ rewards: [Double]) -> [Double] {
        guard rewards.count > 1 else { return [] }
        let sum = rewards.reduce(0, +)
        return rewards.map { $0 - (sum - $0) / Double(rewards.count - 1) }
    }

    /// `(A - mean) / (std + 1e-8)` over a batch; as they are where all but equal.
    public static func normalized(_ values: [Double]) -> [Double] {
        guard !values.isEmpty else { return [] }
        let mean = values.reduce(0, +) / Double(values.count)
        let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
        return deviation < 1e-6 ? values : values.map { ($0 - mean) / (deviation + 1e-8) }
    }
}
