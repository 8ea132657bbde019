import ArgumentParser
import Foundation
import Queue

extension Tenants {
    /// Sets a weight.
    struct SetFlow: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "flow", abstract: "Set a flow's share of service relative to other flows with work waiting.",
            discussion: """
                A tenant is made with interactive 10, bulk 3 and campaign 1. It holds for jobs enqueued from now on.

                EXAMPLES:
                  attune tenant flow acme bulk --weight 6
                """)

        @Argument(help: "The tenant.") var tenant: String
        @Argument(help: "interactive, bulk or campaign.") var flow: String
        @Option(help: "From .001 to 1,000,000.") var weight: Double
        @OptionGroup var connection: DatabaseOptions
        @OptionGroup var output: OutputOptions

        private struct Answer: Encodable {
            var tenant: String
            var flow: String
            var weight: Double
            var before: Double
        }

        func run() async throws {
            guard let known = Flow(rawValue: flow) else {
                throw ValidationError("The flow must be interactive, bulk or campaign.")
            }
            try await connection.withDatabase { database in
                let before = try await TenantLimits(database).setWeight(weight, of: known, tenant: tenant)
                if output.json {
                    return try JSONOutput.print(Answer(tenant: tenant, flow: flow, weight: weight, before: before))
                }
                Terminal.output(
                    "flow       \(tenant)/\(flow)  weight \(Self.number(weight)), was \(Self.number(before))")
            }
        }

        static func number(_ value: Double) -> String {
            value == value.rounded() ? Figures.fixed(value, 0) : Figures.fixed(value, 3)
        }
    }

    /// Sets or lifts limits.
    struct SetLimit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "limit", abstract: "Set how many of a tenant's jobs may run, and how many start a second.",
            discussion: """
                A limit that is not named is lifted; --none lifts both. Jobs that run already go on. What waits for room
                is parked where it is in nobody's way.

                EXAMPLES:
                  attune tenant limit acme --max-running 500
                  attune tenant limit acme --kind adapt --rate 20
                  attune tenant limit acme --none
                """)

        @Argument(help: "The tenant.") var tenant: String
        @Option(help: "Jobs that run at the same time, 1 or more.") var maxRunning: Int?
        @Option(help: "Jobs claimed a second, above 0, with a burst of two seconds.") var rate: Double?
        @Flag(help: "Lift both limits.") var none = false
        @Option(help: "Of one kind of job; all kinds together without it.") var kind: String?
        @OptionGroup var connection: DatabaseOptions
        @OptionGroup var output: OutputOptions

        private struct Answer: Encodable {
            var tenant: String
            var kind: String?
            var maxRunning: Int?
            var jobsPerSecond: Double?
        }

        func validate() throws {
            guard none == (maxRunning == nil && rate == nil) else {
                throw ValidationError("Give --max-running, --rate or both, or --none.")
            }
        }

        func run() async throws {
            try await connection.withDatabase { database in
                try await TenantLimits(database).set(
                    TenantLimit(tenant: tenant, kind: kind, maxRunning: maxRunning, jobsPerSecond: rate))
                if output.json {
                    return try JSONOutput.print(
                        Answer(tenant: tenant, kind: kind, maxRunning: maxRunning, jobsPerSecond: rate))
                }
                let parts = [
                    maxRunning.map { "at most \(Figures.count($0)) running" },
                    rate.map { "\(SetFlow.number($0)) a second" },
                ].compactMap { $0 }
                Terminal.output(
                    "limit      \(tenant)\(kind.map { "/\($0)" } ?? "")  "
                        + (parts.isEmpty ? "none" : parts.joined(separator: ", ")))
            }
        }
    }

    /// Stops claims.
    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let no more of a tenant's jobs start, of one kind or of all.",
            discussion: """
                What runs goes on; jobs are accepted and wait. From the next claim on.

                EXAMPLES:
                  attune tenant pause acme
                  attune tenant pause acme --kind adapt --reason "labels are being corrected"
                """)

        @Argument(help: "The tenant.") var tenant: String
        @Option(help: "One kind of job; all without it.") var kind: String?
        @Option(help: "Why, for whoever finds it paused.") var reason: String?
        @OptionGroup var connection: DatabaseOptions
        @OptionGroup var output: OutputOptions

        private struct Answer: Encodable {
            var tenant: String
            var kind: String?
            var isPaused = true
        }

        func run() async throws {
            try await connection.withDatabase { database in
                try await TenantLimits(database).pause(tenant, kind: kind, reason: reason)
                if output.json { return try JSONOutput.print(Answer(tenant: tenant, kind: kind)) }
                Terminal.output("paused     \(tenant)\(kind.map { "/\($0)" } ?? "")")
                Terminal.note("attune tenant resume \(tenant)\(kind.map { " --kind \($0)" } ?? "") lets it go on.")
            }
        }
    }

    /// Lets claims go on.
    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End a pause of the same tenant and kind; other limits stay.",
            discussion: "EXAMPLES:\n  attune tenant resume acme\n  attune tenant resume acme --kind adapt")

        @Argument(help: "The tenant.") var tenant: String
        @Option(help: "The kind that was paused; all without it.") var kind: String?
        @OptionGroup var connection: DatabaseOptions
        @OptionGroup var output: OutputOptions

        private struct Answer: Encodable {
            var tenant: String
            var kind: String?
            var wasPaused: Bool
        }

        func run() async throws {
            try await connection.withDatabase { database in
                let wasPaused = try await TenantLimits(database).resume(tenant, kind: kind)
                if output.json {
                    return try JSONOutput.print(Answer(tenant: tenant, kind: kind, wasPaused: wasPaused))
                }
                Terminal.output(
                    "\(wasPaused ? "resumed    " : "unchanged  ")\(tenant)\(kind.map { "/\($0)" } ?? "")"
                        + (wasPaused ? "" : "  it was not paused"))
            }
        }
    }

    /// Shows what is limited.
    struct Limits: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List limits and pauses, what runs under them and what waits for room.",
            discussion: "EXAMPLES:\n  attune tenant limits\n  attune tenant limits --json")

        @OptionGroup var connection: DatabaseOptions
        @OptionGroup var output: OutputOptions

        private struct Line: Encodable {
            var tenant: String
            var kind: String?
            var maxRunning: Int?
            var jobsPerSecond: Double?
            var isPaused: Bool
            var reason: String?
            var running: Int
            var parkedChunks: Int
            var parkedIsExact: Bool
            var grantedWorkers: Int
            var setAt: Date
            var setBy: String

            init(_ status: LimitStatus) {
                (tenant, kind) = (status.limit.tenant, status.limit.kind)
                (maxRunning, jobsPerSecond) = (status.limit.maxRunning, status.limit.jobsPerSecond)
                (isPaused, reason, running) = (status.isPaused, status.reason, status.running)
                (parkedChunks, parkedIsExact) = (status.parkedChunks, status.parkedIsExact)
                (grantedWorkers, setAt, setBy) = (status.grantedWorkers, status.setAt, status.setBy)
            }
        }

        func run() async throws {
            let lines = try await connection.withDatabase { database in
                try await TenantLimits(database).all().map(Line.init)
            }
            if output.json { return try lines.forEach { try JSONOutput.print($0) } }
            var table = TextTable(
                .init(title: "TENANT"), .init(title: "KIND"), .init(title: "RUNNING", alignment: .right),
                .init(title: "LIMIT", alignment: .right), .init(title: "RATE/s", alignment: .right),
                .init(title: "PARKED CHUNKS", alignment: .right), .init(title: "STATE"), .init(title: "SET"))
            table.rows = lines.map { line in
                [
                    line.tenant, line.kind ?? "all", Figures.count(line.running),
                    line.maxRunning.map { Figures.count($0) } ?? "–", line.jobsPerSecond.map(SetFlow.number) ?? "–",
                    Figures.count(line.parkedChunks) + (line.parkedIsExact ? "" : "+"),
                    line.isPaused ? "paused" + (line.reason.map { ": \($0)" } ?? "") : "open",
                    "\(Figures.dateAndTime(line.setAt)) by \(line.setBy)",
                ]
            }
            table.show(whenEmpty: "no tenant is limited: attune tenant limit NAME --max-running N")
        }
    }
}
