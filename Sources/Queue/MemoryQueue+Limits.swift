extension MemoryQueue {
    /// A tenant's jobs of one kind, or all of them.
    struct LimitKey: Hashable {
        var tenantID: Int32
        var kind: String?
    }

    /// How much of them may run; exact, as the database counts when no scheduler lives.
    struct Limit {
        var maxRunning: Int?
        /// Jobs a second, with a burst of two seconds and at least one job.
        var rate: Double?
        var tokens = 0.0
        var refilledAt = 0.0
        var isPaused = false

        var isNone: Bool { maxRunning == nil && rate == nil && !isPaused }
        var burst: Double { max(1, (rate ?? 0) * 2) }

        func tokens(at now: Double) -> Double {
            min(burst, max(0, tokens) + (rate ?? 0) * max(0, now - refilledAt))
        }

        /// Jobs that may be claimed now, and at most at any time.
        func room(running: Int, at now: Double) -> (now: Int, most: Int) {
            if isPaused { return (0, 0) }
            let slots = maxRunning.map { max(0, $0 - running) } ?? .max
            let paced = rate == nil ? Int.max : Int(tokens(at: now))
            return (min(slots, paced), min(maxRunning ?? .max, rate == nil ? .max : Int(burst)))
        }
    }

    private func limits(of chunk: Chunk) -> [LimitKey] {
        [LimitKey(tenantID: chunk.tenantID, kind: nil), LimitKey(tenantID: chunk.tenantID, kind: chunk.kind)]
            .filter { limits[$0] != nil }
    }

    private func running(_ key: LimitKey) -> Int {
        chunks.values.filter { $0.state == .leased && $0.tenantID == key.tenantID && (key.kind ?? $0.kind) == $0.kind }
            .reduce(0) { $0 + open($1).count }
    }

    /// Parked chunks with room for some of their jobs, in the order of their keys.
    func parkedHeads() -> [Chunk] {
        chunks.values.filter { chunk in
            let keys = limits(of: chunk)
            return chunk.state == .parked && !keys.isEmpty
                && keys.allSatisfy { (limits[$0]?.room(running: running($0), at: now).now ?? 0) > 0 }
        }.sorted { $0.mark < $1.mark }
    }

    /// Of chunks about to be leased those that limits let run, cut if need be; the others are parked.
    mutating func withinLimits(_ taken: [Chunk]) -> [Chunk] {
        var (spent, allowed): ([LimitKey: Int], [Chunk]) = ([:], [])
        for chunk in taken {
            let rooms = limits(of: chunk).compactMap { key in
                limits[key]?.room(running: running(key) + (spent[key] ?? 0), at: now)
            }
            let (jobs, most) = (open(chunk).count, rooms.map(\.most).min() ?? .max)
            let take = max(0, min(jobs, rooms.map(\.now).min() ?? jobs))
            if take < jobs, take == 0 || take * 4 < min(jobs, most) {
                chunks[chunk.id]?.state = .parked
                continue
            }
            allowed.append(take < jobs ? cut(chunk, take: take, most: most) : chunk)
            for key in limits(of: chunk) { spent[key, default: 0] += take }
        }
        for (key, jobs) in spent {
            guard var limit = limits[key], limit.rate != nil else { continue }
            (limit.tokens, limit.refilledAt) = (limit.tokens(at: now) - Double(jobs), now)
            limits[key] = limit
        }
        return allowed
    }

    /// Closes a chunk and goes on with its jobs in new ones; the first is returned, the others are parked.
    private mutating func cut(_ chunk: Chunk, take: Int, most: Int) -> Chunk {
        let members = open(chunk)
        var starts = [0]
        starts += Array(stride(from: take, to: members.count, by: most))
        let ids = starts.indices.map { nextChunkID + Int64($0) }
        for (index, start) in starts.enumerated() {
            let end = index + 1 < starts.count ? starts[index + 1] : members.count
            requeue(chunk, Array(members[start..<end]), runAt: nil)
            if index > 0 { chunks[ids[index]]?.state = .parked }
        }
        chunks[chunk.id]?.state = .closed
        return chunks[ids[0]] ?? chunk
    }

    /// Makes chunks ready again, as new ones, whose tenant has no limit any more.
    mutating func unpark(limit: Int) -> Int {
        let free = chunks.values.filter { $0.state == .parked && limits(of: $0).isEmpty }
            .sorted { $0.mark < $1.mark }.prefix(limit)
        for chunk in free {
            requeue(chunk, open(chunk), runAt: nil)
            chunks[chunk.id]?.state = .closed
        }
        return free.count
    }
}
