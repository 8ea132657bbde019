/// Looks at every state that a scenario can reach, and at every way on from it.
///
/// States are remembered by a 64-bit hash, as TLC remembers them (Lamport, Specifying Systems, 14.3.3): that two of a
/// million fall together has a chance of 1 in 10⁷.
package struct Explorer {
    /// What an exploration found.
    package struct Result: Sendable, CustomStringConvertible {
        /// Different states.
        package var states = 0
        /// Ways from one to another.
        package var edges = 0
        /// Steps to the farthest state.
        package var depth = 0
        /// The first thing that is broken, with a shortest way to it.
        package var counterexample: Counterexample?

        /// In one line, but for a counterexample.
        package var description: String {
            "\(states) states, \(edges) steps, \(depth) deep: \(counterexample.map(\.description) ?? "all hold")"
        }
    }

    /// A broken invariant and the way there.
    package struct Counterexample: Sendable, CustomStringConvertible {
        /// What is broken.
        package let violation: Violation
        /// Steps from the scenario's beginning.
        package let trace: [Step]
        /// The violation, and a line a step.
        package var description: String {
            "\(violation)\n" + trace.map { "    \($0)" }.joined(separator: "\n")
        }
    }

    private let scenario: Scenario
    private var indexOf: [Int: Int32] = [:]
    private var from: [(parent: Int32, step: Step)] = []
    /// Edges along which things are brought forward, and how many of them leave each state.
    private var progress: [(source: Int32, target: Int32)] = []
    private var result = Result()

    private init(_ scenario: Scenario) { self.scenario = scenario }

    /// Explores a scenario under some rules, until something is broken or everything was seen.
    ///
    /// Checked in every state: the invariants. On every step: that it breaks none on the way. In the end: that from no
    /// state what brings things forward can go on for ever, or stop with anything left to do. Hence every job ends on
    /// every path on which disturbances end, in whatever order things happen.
    ///
    /// - Precondition: fewer than `limit` states can be reached.
    package static func explore(_ scenario: Scenario, rules: Rules = .all, limit: Int = 500_000) -> Result {
        var explorer = Explorer(scenario)
        do {
            explorer.run(try scenario.start(rules: rules), limit)
        } catch {
            explorer.result.counterexample = Counterexample(violation: error, trace: [])
        }
        return explorer.result
    }

    private mutating func run(_ start: Lifecycle, _ limit: Int) {
        var level = [(index: Int32, state: Lifecycle)]()
        _ = add(start, parent: -1, .start, to: &level)
        while !level.isEmpty {
            var next = [(index: Int32, state: Lifecycle)]()
            for (index, state) in level {
                guard expand(state, index, &next) else { return }
            }
            precondition(from.count < limit, "\(scenario) has more than \(limit) states at depth \(result.depth)")
            level = next
            if !level.isEmpty { result.depth += 1 }
        }
        if let endless = endlessState() {
            fail(Violation("I1", "it can go on for ever without a disturbance"), at: endless)
        }
    }

    /// Takes every step from a state; false when one broke something.
    private mutating func expand(
        _ state: Lifecycle, _ index: Int32, _ next: inout [(index: Int32, state: Lifecycle)]
    ) -> Bool {
        var goesOn = false
        for step in scenario.steps(from: state) {
            var after = state
            do { try after.apply(step) } catch {
                fail(error, at: index, by: step)
                return false
            }
            result.edges += 1
            let (target, isNew) = add(after, parent: index, step, to: &next)
            if step.isProgress(in: state) {
                goesOn = true
                progress.append((index, target))
            }
            if isNew, let violation = after.violation {
                fail(violation, at: target)
                return false
            }
        }
        if !goesOn, let left = state.unfinished(scenario) {
            fail(left, at: index)
            return false
        }
        return true
    }

    private mutating func add(
        _ state: Lifecycle, parent: Int32, _ step: Step, to level: inout [(index: Int32, state: Lifecycle)]
    ) -> (Int32, isNew: Bool) {
        let hash = state.essence(collects: scenario.collects).hashValue
        if let known = indexOf[hash] { return (known, false) }
        let index = Int32(from.count)
        indexOf[hash] = index
        from.append((parent, step))
        level.append((index, state))
        result.states += 1
        return (index, true)
    }

    /// A state on a cycle of steps that all bring things forward, if there is one: what is left when states without a
    /// way on are taken away again and again (Kahn 1962).
    private func endlessState() -> Int32? {
        var ways = [Int32](repeating: 0, count: from.count)
        for edge in progress { ways[Int(edge.source)] += 1 }
        var start = [Int](repeating: 0, count: from.count + 1)
        for edge in progress { start[Int(edge.target) + 1] += 1 }
        for index in 1..<start.count { start[index] += start[index - 1] }
        var (sources, filled) = ([Int32](repeating: 0, count: progress.count), start)
        for edge in progress {
            sources[filled[Int(edge.target)]] = edge.source
            filled[Int(edge.target)] += 1
        }
        var ended = ways.indices.filter { ways[$0] == 0 }
        var left = from.count - ended.count
        while let state = ended.popLast() {
            for source in sources[start[state]..<start[state + 1]] {
                ways[Int(source)] -= 1
                if ways[Int(source)] == 0 {
                    ended.append(Int(source))
                    left -= 1
                }
            }
        }
        return left == 0 ? nil : ways.firstIndex { $0 > 0 }.map(Int32.init)
    }

    private mutating func fail(_ violation: Violation, at index: Int32, by step: Step? = nil) {
        var trace = step.map { [$0] } ?? []
        var here = index
        while from[Int(here)].parent >= 0 {
            trace.insert(from[Int(here)].step, at: 0)
            here = from[Int(here)].parent
        }
        result.counterexample = Counterexample(violation: violation, trace: trace)
    }
}
