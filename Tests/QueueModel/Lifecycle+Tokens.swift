/// Tokens are drawn at random in earnest; here they are numbers that nothing else refers to.
extension Lifecycle {
    /// A token that nothing refers to; always the same one where tokens are not drawn.
    func freshToken() -> UInt8 { rules.contains(.token) ? (tokens.max() ?? 0) + 1 : 1 }

    private var tokens: [UInt8] {
        var all = chunks.flatMap { [$0.token, $0.publishedBy] } + objects.map(\.token)
        all += unflushed.map(\.before.token)
        for worker in workers { all += worker.grip?.parts.map(\.token) ?? [] }
        for case .publish(let grip, _, _) in late { all += grip.parts.map(\.token) }
        return all
    }

    /// Tokens have no order and no value: naming them in the order in which they are found makes one state of histories
    /// that differ in nothing else.
    mutating func renameTokens() {
        var names = [UInt8](repeating: 0, count: Int(UInt8.max) + 1)
        var last: UInt8 = 0
        for token in tokens where token != 0 && names[Int(token)] == 0 {
            last += 1
            names[Int(token)] = last
        }
        for index in chunks.indices {
            chunks[index].token = names[Int(chunks[index].token)]
            chunks[index].publishedBy = names[Int(chunks[index].publishedBy)]
        }
        for index in objects.indices { objects[index].token = names[Int(objects[index].token)] }
        for index in unflushed.indices { unflushed[index].before.token = names[Int(unflushed[index].before.token)] }
        for index in workers.indices {
            guard let grip = workers[index].grip else { continue }
            workers[index].grip?.parts = Self.renamed(grip.parts, names)
        }
        for index in late.indices {
            guard case .publish(var grip, let verdict, var judged) = late[index] else { continue }
            grip.parts = Self.renamed(grip.parts, names)
            if let live = judged?.live { judged?.live = Self.renamed(live, names) }
            late[index] = .publish(grip, verdict, judged: judged)
        }
    }

    private static func renamed(_ parts: [Part], _ names: [UInt8]) -> [Part] {
        parts.map { part in
            var part = part
            part.token = names[Int(part.token)]
            return part
        }
    }
}
