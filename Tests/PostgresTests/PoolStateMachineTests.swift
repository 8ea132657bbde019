import Postgres
import Testing

@Suite struct PoolStateMachineTests {
    @Test("the first requests open connections, up to the limit; later ones wait")
    func opensUpToTheLimit() {
        var pool = PoolStateMachine<String>(limit: 2)
        #expect(shown(pool.request(waiter: 1)) == ["open"])
        #expect(shown(pool.request(waiter: 2)) == ["open"])
        #expect(shown(pool.request(waiter: 3)) == [])
        #expect(shown(pool.opened("a")) == ["lend a to 1"])
        #expect(shown(pool.opened("b")) == ["lend b to 2"])
        #expect(shown(pool.returned("a", isUsable: true)) == ["lend a to 3"])
        #expect(pool.count == 2)
    }

    @Test("an idle connection is lent again, the one used last first")
    func lendsTheWarmest() {
        var pool = PoolStateMachine<String>(limit: 2)
        _ = pool.request(waiter: 1) + pool.request(waiter: 2) + pool.opened("a") + pool.opened("b")
        _ = pool.returned("a", isUsable: true) + pool.returned("b", isUsable: true)
        #expect(shown(pool.request(waiter: 3)) == ["lend b to 3"])
        #expect(pool.lendIdle() == "a")
        #expect(pool.lendIdle() == nil)
        #expect(shown(pool.returned("a", isUsable: true)) == [] && pool.count == 2)
    }

    @Test("a broken connection is closed and replaced for whoever waits")
    func replacesBroken() {
        var pool = PoolStateMachine<String>(limit: 1)
        _ = pool.request(waiter: 1) + pool.opened("a") + pool.request(waiter: 2)
        #expect(shown(pool.returned("a", isUsable: false)) == ["close a", "open"])
        #expect(shown(pool.opened("b")) == ["lend b to 2"])
    }

    @Test("when opening fails, all who wait learn it, and the next request tries again")
    func failedOpening() {
        var pool = PoolStateMachine<String>(limit: 1)
        _ = pool.request(waiter: 1) + pool.request(waiter: 2)
        #expect(shown(pool.openFailed(.init(.unreachable, "down"))) == ["fail 1 unreachable", "fail 2 unreachable"])
        #expect(shown(pool.request(waiter: 3)) == ["open"])
    }

    @Test("a waiter that gives up gets nothing, and the connection opened for it stays idle")
    func givingUp() {
        var pool = PoolStateMachine<String>(limit: 1)
        _ = pool.request(waiter: 1)
        #expect(shown(pool.giveUp(waiter: 1, .init(.cancelled, ""))) == ["fail 1 cancelled"])
        #expect(shown(pool.opened("a")) == [])
        #expect(shown(pool.giveUp(waiter: 1, .init(.cancelled, ""))) == [])
        #expect(shown(pool.request(waiter: 2)) == ["lend a to 2"])
    }

    @Test("time runs out for who waits for others, not for who waits for a connection to be opened")
    func timeOut() {
        var pool = PoolStateMachine<String>(limit: 1)
        _ = pool.request(waiter: 1) + pool.request(waiter: 2)
        #expect(shown(pool.timedOut(waiter: 1, .init(.poolExhausted, ""))) == [])
        #expect(shown(pool.timedOut(waiter: 2, .init(.poolExhausted, ""))) == ["fail 2 pool_exhausted"])
        #expect(shown(pool.opened("a")) == ["lend a to 1"])
        #expect(shown(pool.timedOut(waiter: 1, .init(.poolExhausted, ""))) == [])
    }

    @Test("closing ends waiters and idle connections at once and the lent ones when they return")
    func closing() {
        var pool = PoolStateMachine<String>(limit: 2)
        _ = pool.request(waiter: 1) + pool.request(waiter: 2) + pool.opened("a") + pool.opened("b")
        _ = pool.request(waiter: 3) + pool.returned("b", isUsable: false)
        _ = pool.opened("c")
        #expect(shown(pool.close()) == [])
        #expect(shown(pool.request(waiter: 4)) == ["fail 4 misuse"])
        #expect(shown(pool.returned("a", isUsable: true)) == ["close a"])
        #expect(shown(pool.returned("c", isUsable: true)) == ["close c", "drained"])
    }

    @Test(
        "any sequence of events keeps the limit, lends no connection twice, and leaves no waiter while one is idle",
        arguments: 0..<200 as Range<UInt64>)
    func anySequence(seed: UInt64) {
        var random = SplitMix(state: seed)
        var model = PoolModel(limit: 1 + Int(random.next() % 3))
        for _ in 0..<60 { model.step(&random) }
        model.finish()
    }

    private func shown(_ actions: [PoolStateMachine<String>.Action]) -> [String] { actions.map(show) }
}

private func show(_ action: PoolStateMachine<String>.Action) -> String {
    switch action {
    case .lend(let member, let waiter): "lend \(member) to \(waiter)"
    case .open: "open"
    case .close(let member): "close \(member)"
    case .fail(let waiter, let error): "fail \(waiter) \(error.code)"
    case .drained: "drained"
    }
}

/// Plays random events and keeps its own account of who has what.
private struct PoolModel {
    var pool: PoolStateMachine<String>
    var waiting: Set<Int> = []
    var lent: [String] = []
    var open: Set<String> = []
    var openings = 0
    var made = 0
    var isDrained = false

    init(limit: Int) { pool = PoolStateMachine(limit: limit) }

    mutating func step(_ random: inout SplitMix) {
        made += 1
        switch random.next() % 7 {
        case 0, 1:
            waiting.insert(made)
            apply(pool.request(waiter: made))
        case 2 where openings > 0: finishOpening()
        case 3 where openings > 0:
            openings -= 1
            apply(pool.openFailed(.init(.unreachable, "")))
        case 4 where !lent.isEmpty:
            apply(
                pool.returned(
                    lent.remove(at: Int(random.next() % UInt64(lent.count))), isUsable: random.next() % 2 == 0))
        case 5:
            if let waiter = waiting.first { apply(pool.giveUp(waiter: waiter, .init(.cancelled, ""))) }
        case 6:
            if let member = pool.lendIdle() {
                #expect(!lent.contains(member) && open.contains(member))
                lent.append(member)
            }
        default: break
        }
        #expect(open.count + openings == pool.count)
        #expect(pool.count <= pool.limit)
        #expect(waiting.isEmpty || open.count == lent.count, "a waiter beside an idle connection")
    }

    mutating func finish() {
        apply(pool.close())
        while openings > 0 { finishOpening() }
        while let member = lent.popLast() { apply(pool.returned(member, isUsable: true)) }
        #expect(waiting.isEmpty && open.isEmpty && isDrained)
    }

    private mutating func finishOpening() {
        openings -= 1
        made += 1
        open.insert("c\(made)")
        apply(pool.opened("c\(made)"))
    }

    private mutating func apply(_ actions: [PoolStateMachine<String>.Action]) {
        for action in actions {
            switch action {
            case .lend(let member, let waiter):
                #expect(!lent.contains(member) && open.contains(member))
                #expect(waiting.remove(waiter) != nil)
                lent.append(member)
            case .open: openings += 1
            case .close(let member): #expect(open.remove(member) != nil)
            case .fail(let waiter, _): #expect(waiting.remove(waiter) != nil)
            case .drained: isDrained = true
            }
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014), so that a seed replays a failing run.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
