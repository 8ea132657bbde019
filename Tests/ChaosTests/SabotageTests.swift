import Problem
import Schema
import Testing

@testable import Chaos

@Suite struct SabotageTests {
    @Test("the guards are found in publish as it is, once each, and are gone afterwards", arguments: Sabotage.allCases)
    func fits(sabotage: Sabotage) throws {
        let text = SQL.Functions.publish.text
        let edited = try sabotage.edit(text)
        #expect(!edited.contains("c.token = i.token AND c.state + 0 = 1"))
        #expect(edited.contains(Sabotage.mark))
        #expect(edited.contains("p.revision_id IS DISTINCT FROM i.parent") == (sabotage == .noFence))
        #expect(edited.contains("p.revision_id IS NOT DISTINCT FROM i.parent") == (sabotage == .noFence))
        #expect(edited.contains("ON CONFLICT DO NOTHING;") == (sabotage == .unguarded))
    }

    @Test("jobs that were published without their lease are added up from the server's log")
    func counted() {
        let log =
            "1 LOG:  \(Sabotage.mark)20\n2 LOG:  checkpoint complete\n3 LOG:  \(Sabotage.mark)7\n4 CONTEXT: PL/pgSQL"
        #expect(Sabotage.jobsWithoutLease(in: log) == 27)
    }

    @Test("a publish that has changed is refused, and the guard that is missing is named")
    func changed() {
        #expect {
            try Sabotage.unguarded.edit("CREATE FUNCTION attune.publish() AS $$ BEGIN END $$")
        } throws: { error in
            (error as? Problem)?.errorClass == "publish_changed" && "\(error)".contains("the fence is found 0 times")
        }
        #expect(throws: Problem.self) {
            try Sabotage.noFence.edit(SQL.Functions.publish.text + SQL.Functions.publish.text)
        }
    }
}
