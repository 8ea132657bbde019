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

    /// Marks each publish that the fence would have stopped in the server's log, for counting.
    static let mark = "attune chaos: a publish without its lease"

    private static let fence = [
        Edit(
            what: "the fence", old: "WHERE c.attempt = i.attempt AND c.token = i.token AND c.state + 0 = 1",
            new: "WHERE true"),
        Edit(
            what: "the end of the fence", old: "    IF v_live IS NULL THEN\n",
            new: """
                    IF EXISTS (SELECT FROM unnest(p_chunks, p_attempts, p_tokens) AS i (chunk_id, attempt, token)
                        JOIN attune.chunk c ON c.chunk_id = i.chunk_id
                        WHERE c.attempt <> i.attempt OR c.token IS DISTINCT FROM i.token OR c.state <> 1) THEN
                        RAISE LOG '\(mark)';
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
            what: "the first outcome of a job", old: "    JOIN attune.chunk c ON c.chunk_id = n.chunk_id;",
            new: "    JOIN attune.chunk c ON c.chunk_id = n.chunk_id ON CONFLICT DO NOTHING;"),
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
