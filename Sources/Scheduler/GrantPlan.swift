public import Queue

/// How limits are split among workers: a pure function of what they have and hold.
///
/// A limit goes to as few workers as give each a full chunk's worth: anyone with room leases what is parked, whatever lane
/// it came from, so that more workers would only cut chunks. Who has a part keeps it while alive.
///
/// What one worker gives up is given to another only in a later plan. Until the claim that may still use it has been seen,
/// a part counts as large as what was granted or is held, whichever is more, so that over all workers neither grants nor
/// jobs ever exceed the limit (QUEUE rule 20).
public enum GrantPlan {
    /// The grants to write: changed, new, renewed and taken away.
    public static func grants(limits: [SharedLimit], workers: [Int64]) -> [LimitGrant] {
        limits.flatMap { grants(of: $0, workers: workers) }
    }

    private static func grants(of limit: SharedLimit, workers: [Int64]) -> [LimitGrant] {
        let parts = Dictionary(uniqueKeysWithValues: limit.parts.map { ($0.workerID, $0) })
        let chosen = chosen(limit, workers, parts)
        var (slots, rates): ([Int64: Int], [Int64: Double]) = ([:], [:])
        if let most = limit.maxRunning {
            let targets = zip(chosen, 0...).map { (worker, index) in
                (worker, most / chosen.count + (index < most % chosen.count ? 1 : 0))
            }
            slots = approach(targets, most: most, now: parts.mapValues { max($0.slots ?? 0, $0.held) }) {
                parts[$0]?.slots ?? 0
            }
        }
        if let most = limit.rate {
            let targets = chosen.map { ($0, most / Double(chosen.count)) }
            rates = approach(targets, most: most, now: parts.mapValues { $0.rate ?? 0 }) { parts[$0]?.rate ?? 0 }
        }
        var grants = limit.parts.filter { $0.generation != nil && !chosen.contains($0.workerID) }.map {
            LimitGrant(
                limitID: limit.limitID, workerID: $0.workerID, slots: nil, rate: nil, generation: $0.generation)
        }
        for worker in chosen {
            let part = parts[worker]
            let (slot, rate) = (slots[worker], rates[worker])
            let isSame = part?.generation != nil && part?.slots == slot && nearly(part?.rate, rate)
            if isSame, part?.endsSoon == false { continue }
            // A new part that is nothing yet waits for what others have to give up.
            if part?.generation == nil, (slot ?? 1) == 0 || (rate ?? 1) <= 0 { continue }
            grants.append(
                LimitGrant(
                    limitID: limit.limitID, workerID: worker, slots: slot, rate: rate, generation: part?.generation))
        }
        return grants
    }

    /// Who gets a part: those who have one first, then in an order that differs from limit to limit.
    private static func chosen(
        _ limit: SharedLimit, _ workers: [Int64], _ parts: [Int64: SharedLimit.Part]
    ) -> [Int64] {
        let bySlots = limit.maxRunning.map { $0 / max(1, min($0, limit.chunkJobs)) } ?? .max
        let byRate = limit.rate.map { Int(($0 * 2 / Double(max(1, limit.chunkJobs))).rounded(.down)) } ?? .max
        let count = min(workers.count, max(1, min(bySlots, byRate)))
        let order = workers.map { worker in
            (worker, parts[worker]?.generation == nil ? 1 : 0, mixed(UInt64(bitPattern: worker), limit.limitID))
        }
        return order.sorted { ($0.1, $0.2, $0.0) < ($1.1, $1.2, $1.0) }.prefix(count).map(\.0)
    }

    /// Lowers at once, raises only by what is free as things stand.
    private static func approach<Amount: Comparable & AdditiveArithmetic>(
        _ targets: [(Int64, Amount)], most: Amount, now: [Int64: Amount], granted: (Int64) -> Amount
    ) -> [Int64: Amount] {
        var free = most
        for amount in now.values { free = free > amount ? free - amount : .zero }
        var result: [Int64: Amount] = [:]
        for (worker, target) in targets {
            let held = now[worker] ?? .zero
            if target <= granted(worker) {
                result[worker] = target
            } else {
                let given = max(granted(worker), min(target, held + free))
                if given > held { free -= given - held }
                result[worker] = given
            }
        }
        return result
    }

    /// Whether two rates are the same as far as the database's `real` tells.
    private static func nearly(_ one: Double?, _ other: Double?) -> Bool {
        guard let one, let other else { return one == nil && other == nil }
        return abs(one - other) <= 1e-6 * max(abs(one), abs(other))
    }

    /// A number that orders workers for one limit (SplitMix64; Steele, Lea and Flood 2014, figure 17).
    private static func mixed(_ worker: UInt64, _ limit: Int32) -> UInt64 {
        var mixed = worker &+ UInt64(UInt32(bitPattern: limit)) &* 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
