import ArgumentParser
import Foundation
import Model
import Problem
import Tensor

/// What hurts, and what to type.
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check database, schema, store, base model, workers, scheduler and queue; say what helps.",
        discussion: """
            Makes the checks that the leading scheduler makes every 30 s for the view attune.health, here and now; none takes
            longer than 2 s. Limits: the table attune.health_check. Who holds what in other sessions is named to roles with
            pg_monitor.

            The store check writes, reads and deletes one small object under doctor/. Exit status 1 when something is BAD.

            EXAMPLES:
              attune doctor
              attune doctor --all --json
            """)

    @Flag(help: "List the checks that passed too.") var all = false
    @OptionGroup var connection: DatabaseOptions
    @OptionGroup var objects: StoreOptions
    @OptionGroup var base: BaseOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var findings: [Finding] = []
        var digests: [String: [String]]?
        do {
            try await connection.withDatabase { database in
                let checks = DatabaseChecks(database: database, conninfo: try connection.conninfo())
                findings += await checks.run()
                digests = try await checks.servedBases()
            }
        } catch let error as any ProblemConvertible {
            // A server that does not answer has been found already; the checks below do not need it.
            if !findings.contains(where: { $0.severity == .bad }) {
                findings.append(Finding("database", error.problem))
            }
        }
        findings.append(await checkStore())
        findings.append(await checkBase(digests))
        findings.append(checkProducts())
        findings.sort { $0.severity < $1.severity }
        try show(findings)
        if findings.contains(where: { $0.severity == .bad }) { throw ExitStatus.answerIsNo }
    }

    private func checkStore() async -> Finding {
        do {
            return try await StoreCheck(store: objects.open(for: connection.deployment())).run()
        } catch let error as any ProblemConvertible {
            return Finding("store", error.problem)
        } catch {
            return Finding("store", .bad, "\(error)", helps: "look at the store's log.")
        }
    }

    /// The base folder of this machine against what tenants are served by.
    private func checkBase(_ served: [String: [String]]?) async -> Finding {
        do {
            let folder = try BaseFolder.open(absolute(base.base))
            let others = (served ?? [:]).filter { $0.key != folder.digest }.flatMap(\.value).sorted()
            guard others.isEmpty else {
                return Finding(
                    "base", .warn,
                    "\(base.base) has digest \(Figures.digest(folder.digest)); another base serves \(Figures.names(others))",
                    helps: "a worker here does nothing for them: give it their base with --base.")
            }
            return Finding("base", .ok, "\(base.base), digest \(Figures.digest(folder.digest))", helps: "")
        } catch let error as any ProblemConvertible {
            return Finding("base", error.problem, severity: .warn)
        } catch {
            return Finding("base", .warn, "\(error)", helps: "attune base add FOLDER")
        }
    }

    /// The libraries that a base can be multiplied with here. One that is missing costs speed only.
    private func checkProducts() -> Finding {
        let backends = ProductBackend.allCases.map { backend in
            backend.obstacle.map { "not \(backend.rawValue): \($0)" }
                ?? "\(backend.rawValue) (\(backend.kernelDescription))"
        }
        return Finding("products", .ok, backends.joined(separator: "; "), helps: "")
    }

    private func show(_ findings: [Finding]) throws {
        let passed = findings.filter { $0.severity == .ok }
        if output.json {
            return try findings.filter { all || $0.severity != .ok }.forEach { try JSONOutput.print($0) }
        }
        for finding in findings where finding.severity != .ok {
            Terminal.output("\(Terminal.colored(finding.severity.label, finding.severity.color))  \(finding.what)")
            if let ifLeft = finding.ifLeft { Terminal.output("      left alone: \(ifLeft)") }
            if !finding.helps.isEmpty { Terminal.output("      helps: \(finding.helps)") }
            if let since = finding.since { Terminal.output("      since \(Figures.dateAndTime(since)) UTC") }
        }
        if all {
            for finding in passed { Terminal.output("ok    \(finding.name): \(finding.what)") }
        } else {
            let names = passed.map(\.name).joined(separator: " ")
            Terminal.output("ok    \(passed.count) checks: \(names)  (--all lists them)")
        }
    }
}
