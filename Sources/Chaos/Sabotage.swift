import Problem

/// A publish whose guards are off, for showing that the checker sees what they prevent: an edit of the function's text as
/// the database has it, each of which must fit.
public enum Sabotage: String, Sendable, CaseIterable, Codable {
    /// Publishes whoever claimed the chunk, lease or no lease.
    case noFence
    /// Neither fence nor comparison of the user's revision, and a job that has ended may have another effect.
    case unguarded

    private struct Edit {
        let what: String
        let old: String
        let new: String
    }

    /// Marks each publish that the fence would have stopped in the server's log; how many of its jobs comes after it.
    static let mark = "attune chaos: a publish without its lease; jobs: "

    /// Of how many jobs publishes without a lease told in the server's log, each time they did.
    static func jobsWithoutLease(in log: String) -> Int {
        log.ranges(of: mark).reduce(0) { sum, found in
            sum + (Int(log[found.upperBound...].prefix { $0.isWholeNumber }) ?? 0)
        }
    }

    private static let fence = [
        Edit(
            what: "the fence", old: "WHERE c.attempt = i.attempt AND c.token = i.token AND c.state + 0 = 1",
            new: "WHERE true"),
        Edit(
            what: "the end of the fence", old: "    IF v_live IS NULL THEN\n",
            new: """
                    v_done := attune.jobs_without_lease(p_chunks, p_attempts, p_tokens, p_job_chunks);
                    IF v_done > 0 THEN
                        RAISE LOG '\(mark)%', v_done;
                    END IF;
                    IF v_live IS NULL THEN

                """),
    ]

    private static let compareAndSet = [
        Edit(
            what: "the verdict superseded", old: "WHEN i.verdict = 1 AND (p.revision_id IS DISTINCT FROM i.parent",
            new: "WHEN i.verdict = 1 AND (false"),
        Edit(
            what: "the comparison with the parent",
            old: "\n            AND p.revision_id IS NOT DISTINCT FROM i.parent;", new: ";"),
        Edit(
            what: "the comparison of what was seen", old: "WHEN i.points AND i.data_through < p.judged_through THEN 10",
            new: ""),
        Edit(
            what: "the first outcome of a job", old: "WHEN n.follows IS NULL THEN n.chunk_id END;",
            new: "WHEN n.follows IS NULL THEN n.chunk_id END ON CONFLICT DO NOTHING;"),
    ]

    /// The function's text without the guards.
    ///
    /// - Throws: `publish_changed`, naming the guard that is not found exactly once.
    func edit(_ definition: String) throws(Problem) -> String {
        var text = definition
        for edit in Self.fence + (self == .unguarded ? Self.compareAndSet : []) {
            let places = text.ranges(of: edit.old)
            guard places.count == 1, let place = places.first else {
                throw Problem(
                    "publish_changed", at: "attune.publish", "\(edit.what) is found \(places.count) times, not once.",
                    do: "make the edits of Sources/Chaos/Sabotage.swift fit the function again.")
            }
            text.replaceSubrange(place, with: edit.new)
        }
        return text
    }
}
