/// What whoever schedules does.
extension Lifecycle {
    /// Takes back a chunk whose lease or deadline is over, and counts a crash for its lineage.
    mutating func rescue(_ chunk: UInt8) throws(Violation) {
        let index = Int(chunk)
        let alive = workers.filter { !$0.isExpired }.count
        let crashes = min(chunks[index].crashes + 1, 4)
        chunks[index].crashes = crashes
        chunks[index].holders |= 1 << UInt16(chunks[index].worker)
        let members = openMembers(of: chunk)
        if rules.contains(.isolation), members.count == 1, crashes >= 3,
            alive <= 1 || chunks[index].holders.nonzeroBitCount >= 2
        {
            try end(members[0].job, .discarded)
        } else if rules.contains(.isolation), crashes >= 2 {
            for member in members { requeue(chunk, [member], .deferred) }
        } else if rules.contains(.requeueWithClose) {
            requeue(chunk, members, .ready)
        } else {
            late.append(.requeue(chunk: chunk))
        }
        close(chunk)
    }

    /// A chunk that waited goes on as a new one, with a current key.
    mutating func goOn(_ chunk: UInt8) {
        requeue(chunk, openMembers(of: chunk), .ready)
        close(chunk)
    }

    /// Puts jobs of a chunk that is being closed into a new one.
    mutating func requeue(_ chunk: UInt8, _ members: [Member], _ state: ChunkState) {
        guard !members.isEmpty else { return }
        let source = chunks[Int(chunk)]
        chunks.append(
            Chunk(
                state: state, members: members, isFed: source.isFed, crashes: source.crashes, holders: source.holders))
    }

    /// Closes a chunk other than by a publish.
    mutating func close(_ chunk: UInt8) {
        chunks[Int(chunk)].state = .closed
        if rules.contains(.rescueClearsToken) { chunks[Int(chunk)].token = 0 }
    }

    /// Whether nothing names an object.
    package func isUnnamed(_ object: UInt8) -> Bool {
        !revisions.contains { $0.object == object && !$0.isErased }
    }

    /// Whether the claim that an object's key carries can still publish.
    func fenceIsOver(_ object: Object) -> Bool {
        let chunk = chunks[Int(object.chunk)]
        return chunk.state == .closed || chunk.attempt != object.attempt || chunk.token != object.token
    }
}
