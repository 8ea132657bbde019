import Postgres
import Problem

extension DrivenCampaign {
    /// Reads a row of `driven_campaigns.sql`.
    init(_ row: Row) throws {
        self.init(id: try row.decode("campaign_id"))
        purpose = try Self.word(row, "purpose")
        isPromoted = try row.decode("state", as: String.self) == "promoted"
        phase = try Self.word(row, "phase")
        round = try row.decode("round")
        wave = Int(try row.decode("wave", as: Int32.self))
        cursor = try row.decode("cursor_uid")
        (fed, ahead) = (try row.decode("fed"), try row.decode("ahead"))
        users = try row.decode("users")
        canaryUsers = Int(try row.decode("canary_users", as: Int32.self))
        waveGrowth = try row.decode("wave_growth")
        judgedUsers = Int(try row.decode("judged_users", as: Int32.self))
        rule = NonInferiority(margin: try row.decode("margin"), errorRate: try row.decode("error_rate"))
        rateLimit = try row.decode("rate_limit")
        promotesItself = try row.decode("promotes_itself")
        passes = Int(try row.decode("pass", as: Int32.self))
        leftOver = try row.decode("left_over")
        secondsSincePass = try row.decode("seconds_since_pass")
        isWindowOver = try row.decode("is_window_over")
        hasOtherRecipe = try row.decode("has_other_recipe")
        isUnderActiveBase = try row.decode("is_under_active_base")
        workers = Int(try row.decode("workers", as: Int32.self))
        waves = try Self.waves(row)
    }

    private static func waves(_ row: Row) throws -> [Wave] {
        let numbers = try row.decode("waves", as: [Int32].self)
        let planned = try row.decode("planned", as: [Int64].self)
        let fed = try row.decode("waves_fed", as: [Int64].self)
        let verdicts = try row.decode("verdicts", as: [String].self)
        let looked = try row.decode("looked", as: [Int32].self)
        let judged = try row.decode("judged", as: [Int32].self)
        let means = try row.decode("means", as: [Double].self)
        let deviations = try row.decode("deviations", as: [Double].self)
        return try numbers.indices.map { index in
            guard let verdict = WaveVerdict(rawValue: verdicts[index]) else { throw newer("verdict", verdicts[index]) }
            return Wave(
                number: Int(numbers[index]), planned: planned[index], fed: fed[index], verdict: verdict,
                looked: Int(looked[index]),
                evidence: WaveEvidence(
                    users: Int(judged[index]), mean: means[index], deviation: deviations[index]))
        }
    }

    private static func word<Case: RawRepresentable<String>>(_ row: Row, _ column: String) throws -> Case {
        let text = try row.decode(column, as: String.self)
        guard let known = Case(rawValue: text) else { throw newer(column, text) }
        return known
    }

    private static func newer(_ column: String, _ text: String) -> Problem {
        Problem(
            "schema_newer", at: "campaign \(column)",
            "the database says \(Problem.excerpt(text)), which this attune does not know.",
            do: "install a newer attune.")
    }
}
