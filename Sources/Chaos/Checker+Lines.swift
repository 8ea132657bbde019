extension Checker {
    private struct Line: Hashable {
        let uid: Int64
        let baseID: Int32
    }

    /// Where rollbacks could have taken each user, by where they were.
    private var moves: [Int64: [Int32: Set<Int32>]] {
        var moves: [Int64: [Int32: Set<Int32>]] = [:]
        for rollback in history.told.rollbacks {
            moves[rollback.uid, default: [:]][rollback.from, default: []].insert(rollback.to)
        }
        return moves
    }

    /// Whether a chain of rollbacks leads from one number to another.
    private static func leads(_ moves: [Int32: Set<Int32>]?, from: Int32, to: Int32) -> Bool {
        guard from != to, let moves else { return from == to }
        var (seen, open): (Set<Int32>, [Int32]) = ([from], [from])
        while let number = open.popLast() {
            for next in moves[number] ?? [] where seen.insert(next).inserted { open.append(next) }
        }
        return seen.contains(to)
    }

    /// I4: each revision starts from the one before it, or from where a rollback had moved the user.
    mutating func checkLines() {
        let moves = moves
        let lines = Dictionary(grouping: history.revisions) { Line(uid: $0.uid, baseID: $0.baseID) }
        for (line, revisions) in lines.sorted(by: { ($0.key.uid, $0.key.baseID) < ($1.key.uid, $1.key.baseID) }) {
            for (index, revision) in revisions.sorted(by: { ($0.number, $0.id) < ($1.number, $1.id) }).enumerated() {
                let parent = revision.parentID.map { revisionsByID[$0] }
                let subject = "user \(line.uid) base \(line.baseID)"
                if let parent, parent?.uid != line.uid || parent?.baseID != line.baseID {
                    report(.forkedLine, subject, "revision \(revision.number) starts from a stranger")
                } else if revision.number != Int32(index + 1) {
                    report(.forkedLine, subject, "revision \(revision.number) where \(index + 1) is due")
                } else {
                    let start = parent??.number ?? 0
                    if !Self.leads(moves[line.uid], from: revision.number - 1, to: start) {
                        report(
                            .forkedLine, subject,
                            "revision \(revision.number) starts from \(start), not from \(revision.number - 1)")
                    }
                }
            }
        }
    }

    /// I4 and rule 22: a user is served the newest revision, or the one that a rollback chose, under the base that was
    /// promoted last.
    mutating func checkPointers() {
        let moves = moves
        var newest: [Line: History.Revision] = [:]
        for revision in history.revisions {
            let line = Line(uid: revision.uid, baseID: revision.baseID)
            if revision.number > newest[line]?.number ?? 0 { newest[line] = revision }
        }
        var pointed: Set<Line> = []
        for pointer in history.pointers {
            let line = Line(uid: pointer.uid, baseID: pointer.baseID)
            let subject = "user \(pointer.uid) base \(pointer.baseID)"
            pointed.insert(line)
            var number: Int32 = 0
            if let id = pointer.revisionID {
                guard let revision = revisionsByID[id], revision.uid == pointer.uid, revision.baseID == pointer.baseID
                else {
                    report(.pointerToNothing, subject, "names revision \(id), which is not there")
                    continue
                }
                number = revision.number
            }
            let last = newest[line]?.number ?? 0
            if pointer.number != last || !Self.leads(moves[pointer.uid], from: last, to: number) {
                report(
                    .stalePointer, subject,
                    "serves revision \(number) and counts \(pointer.number), the newest is \(last)")
            }
        }
        for (line, revision) in newest.sorted(by: { $0.value.id < $1.value.id }) where !pointed.contains(line) {
            report(.pointerMissing, "user \(line.uid) base \(line.baseID)", "revision \(revision.number) serves nobody")
        }
        for tenant in history.tenants {
            let told = history.told.promotions.filter { $0.tenantID == tenant.id }.max { $0.epoch < $1.epoch }
            guard let told, tenant.baseEpoch <= told.epoch else { continue }
            if tenant.baseEpoch < told.epoch || tenant.baseID != told.baseID {
                report(
                    .promotionLost, "tenant \(tenant.id)",
                    "base \(told.baseID) at epoch \(told.epoch) was told, base \(tenant.baseID ?? 0) at "
                        + "\(tenant.baseEpoch) serves")
            }
        }
    }
}
