extension Lifecycle {
    /// The state without what can make no difference any more: two states of one essence have the same future.
    ///
    /// Closed chunks that nobody holds and ended members go; open chunks are ordered by their jobs, and workers by what
    /// they hold; tokens are named in the order in which they are found.
    package func essence(collects: Bool) -> Lifecycle {
        var essence = self
        // Only here do mutations need more: a second half of a rescue still wants the members of its closed chunk.
        guard rules.contains(.requeueWithClose) else { return essence }
        essence.dropCallsOfNoEffect()
        essence.dropEndedMembers()
        essence.orderChunks(keepsUnnamedObjects: collects)
        essence.orderWorkers()
        essence.renameTokens()
        return essence
    }

    /// A call that can do nothing may as well never arrive.
    private mutating func dropCallsOfNoEffect() {
        guard rules.isSuperset(of: [.token, .attempt, .onlyLeased, .publishLocksFirst, .rescueClearsToken]) else {
            return
        }
        late.removeAll { call in
            guard case .publish(let grip, _, _) = call else { return false }
            return grip.parts.allSatisfy { part in
                let chunk = chunks[Int(part.chunk)]
                return chunk.state == .closed || chunk.attempt != part.attempt || chunk.token != part.token
            }
        }
    }

    private mutating func dropEndedMembers() {
        for index in chunks.indices {
            chunks[index].members.removeAll { jobs[Int($0.job)].ending != nil }
            guard chunks[index].state == .closed else { continue }
            (chunks[index].members, chunks[index].crashes, chunks[index].holders) = ([], 0, 0)
            (chunks[index].base, chunks[index].worker, chunks[index].isOverdue) = (0, 0, false)
        }
    }

    private mutating func orderChunks(keepsUnnamedObjects: Bool) {
        if !keepsUnnamedObjects { dropUnreachableObjects() }
        var isHeld = chunks.map { $0.state != .closed }
        for part in workers.flatMap({ $0.grip?.parts ?? [] }) { isHeld[Int(part.chunk)] = true }
        for case .publish(let grip, _, _) in late { for part in grip.parts { isHeld[Int(part.chunk)] = true } }
        for case .cancel(_, let chunk) in late { isHeld[Int(chunk)] = true }
        for object in objects where object.row != .live { isHeld[Int(object.chunk)] = true }
        for undone in unflushed { isHeld[Int(undone.chunk)] = true }
        func rank(_ index: Int) -> (Int, Int) { (Int(chunks[index].members.first?.job ?? .max), index) }
        let order = chunks.indices.filter { isHeld[$0] }.sorted { rank($0) < rank($1) }
        var names = [UInt8](repeating: .max, count: chunks.count)
        for (name, index) in order.enumerated() { names[index] = UInt8(name) }
        for index in objects.indices where objects[index].row == .live && !isHeld[Int(objects[index].chunk)] {
            (objects[index].attempt, objects[index].token) = (0, 0)
        }
        chunks = order.map { chunks[$0] }
        for index in objects.indices { objects[index].chunk = names[Int(objects[index].chunk)] }
        for index in unflushed.indices { unflushed[index].chunk = names[Int(unflushed[index].chunk)] }
        for index in workers.indices { workers[index].grip?.rename(chunks: names) }
        for index in late.indices { late[index] = late[index].renamed(chunks: names) }
    }

    /// Objects that no revision, worker or call names matter to nobody but the collector.
    private mutating func dropUnreachableObjects() {
        var names = [UInt8](repeating: .max, count: Int(UInt8.max) + 1)
        var kept: [Object] = []
        func isWanted(_ object: UInt8) -> Bool {
            revisions.contains { $0.object == object } || workers.contains { $0.grip?.object == object }
                || late.contains { if case .publish(let grip, _, _) = $0 { grip.object == object } else { false } }
        }
        for index in objects.indices where isWanted(UInt8(index)) {
            names[index] = UInt8(kept.count)
            kept.append(objects[index])
        }
        objects = kept
        for index in revisions.indices { revisions[index].object = names[Int(revisions[index].object)] }
        for index in workers.indices {
            let object = workers[index].grip?.object
            workers[index].grip?.object = object.map { names[Int($0)] }
        }
        for index in late.indices {
            guard case .publish(var grip, let verdict, let judged) = late[index] else { continue }
            grip.object = grip.object.map { names[Int($0)] }
            late[index] = .publish(grip, verdict, judged: judged)
        }
    }

    private mutating func orderWorkers() {
        func rank(_ worker: Int) -> [Int] {
            let row = workers[worker]
            var rank = [row.isAlive ? 0 : 1, row.isExpired ? 1 : 0, row.grip.map { Int($0.parts[0].chunk) } ?? 999]
            for chunk in chunks {
                rank.append(chunk.state == .leased && Int(chunk.worker) == worker ? 0 : 1)
                rank.append(Int(chunk.holders >> UInt16(worker)) & 1)
            }
            return rank
        }
        let ranks = workers.indices.map(rank)
        let order = workers.indices.sorted { one, other in
            ranks[one] == ranks[other] ? one < other : ranks[one].lexicographicallyPrecedes(ranks[other])
        }
        var names = [UInt8](repeating: 0, count: workers.count)
        for (name, index) in order.enumerated() { names[index] = UInt8(name) }
        workers = order.map { workers[$0] }
        for index in chunks.indices {
            let holders = chunks[index].holders
            chunks[index].worker = names.isEmpty ? 0 : names[Int(chunks[index].worker)]
            chunks[index].holders = names.enumerated().reduce(0) { bits, name in
                bits | (holders >> UInt16(name.offset) & 1) << UInt16(name.element)
            }
        }
    }
}

extension Lifecycle.Grip {
    fileprivate mutating func rename(chunks names: [UInt8]) {
        for index in parts.indices { parts[index].chunk = names[Int(parts[index].chunk)] }
    }
}

extension Judgement {
    fileprivate mutating func rename(chunks names: [UInt8]) {
        for index in live.indices { live[index].chunk = names[Int(live[index].chunk)] }
        for index in finals.indices { finals[index].chunk = names[Int(finals[index].chunk)] }
    }
}

extension Lifecycle.LateCall {
    fileprivate func renamed(chunks names: [UInt8]) -> Lifecycle.LateCall {
        switch self {
        case .publish(var grip, let verdict, var judged):
            grip.rename(chunks: names)
            judged?.rename(chunks: names)
            return .publish(grip, verdict, judged: judged)
        case .cancel(let job, let chunk): return .cancel(job: job, chunk: names[Int(chunk)])
        case .feed, .merge, .requeue: return self
        }
    }
}
