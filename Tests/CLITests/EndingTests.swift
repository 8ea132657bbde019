import Foundation
import Postgres
import PostgresTestSupport
import Testing

@Suite(.needsBinary, .timeLimit(.minutes(3))) struct EndingTests {
    @Test(
        "every command helps with examples",
        arguments: [
            ["tenant"], ["tenant", "create"], ["tenant", "list"], ["tenant", "flow"], ["tenant", "limit"],
            ["tenant", "pause"], ["tenant", "resume"], ["tenant", "limits"], ["base"], ["base", "add"],
            ["base", "list"],
            ["base", "activate"], ["recipe"], ["recipe", "list"], ["recipe", "show"], ["recipe", "activate"],
            ["recipe", "export"], ["catalogue"], ["catalogue", "import"], ["import"], ["sample"], ["enqueue"],
            ["status"], ["jobs"], ["job"], ["job", "show"], ["job", "wait"], ["user"], ["cancel"], ["retry"],
            ["doctor"],
        ])
    func help(command: [String]) throws {
        // Help needs no database: the binary alone answers.
        let process = Process()
        let reply = Pipe()
        process.executableURL = URL(filePath: try #require(CommandLineTool.binary))
        process.arguments = command + ["--help"]
        process.standardOutput = reply
        try process.run()
        let text = String(decoding: try reply.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(text.contains("EXAMPLES:\n  attune "), "\(command)")
    }

    @Test("wrong usage is status 2 and an error of two lines")
    func usage() async throws {
        try await CommandLineTool.with { attune in
            for arguments in [["enqueue", "--tenant", "demo"], ["jobs", "--state", "asleep"], ["sample"], ["cancel"]] {
                let ending = try await attune.run(arguments)
                #expect(ending.status == 2, "\(arguments)")
                let lines = ending.errors.split(separator: "\n")
                #expect(lines.count == 2 && lines[0].hasPrefix("error: attune"), "\(ending.errors)")
                #expect(lines.last == "  do: attune \(arguments[0]) --help", "\(ending.errors)")
            }
            let password = try await attune.run("status", "--dsn", "host=h password=secret")
            #expect(password.status == 2 && !password.errors.contains("secret"))
        }
    }

    @Test("what is not there is status 4, with a remedy")
    func notFound() async throws {
        try await CommandLineTool.with { attune in
            try await attune.succeed("tenant", "create", "acme")
            for (arguments, errorClass) in [
                (["enqueue", "--tenant", "nobody", "u"], "unknown_tenant"),
                (["enqueue", "--tenant", "acme", "u"], "unknown_user"), (["user", "acme", "u"], "unknown_user"),
                (["enqueue", "--tenant", "acme", "--all"], "unknown_user"), (["job", "1024"], "unknown_job"),
                (["jobs", "--tenant", "nobody"], "unknown_tenant"), (["cancel", "1024"], "unknown_job"),
                (["recipe", "show", "--tenant", "acme", "r"], "unknown_recipe"),
            ] {
                let ending = try await attune.run(arguments)
                #expect(ending.status == 4 && ending.output.isEmpty, "\(arguments)")
                #expect(
                    ending.errors.contains(": \(errorClass): ") && ending.errors.contains("\n  do: "), "\(arguments)")
            }
        }
    }

    @Test("a database out of reach is status 6 and says how often it was tried")
    func unreachable() async throws {
        try await CommandLineTool.with { attune in
            let ending = try await attune.run("status", "--dsn", "host=127.0.0.1 port=1")
            #expect(ending.status == 6)
            #expect(ending.errors.contains(": database_unreachable: ") && ending.errors.contains("6 tries in "))
            let doctor = try await attune.run(
                "doctor", "--dsn", "host=127.0.0.1 port=1", "--store", "objects", "--json")
            #expect(doctor.status == 1)
            let findings = try doctor.objects
            #expect(findings.first?["name"] as? String == "database" && findings.first?["severity"] as? String == "bad")
        }
    }

    @Test("a role that may only read is refused with status 7")
    func notAllowed() async throws {
        try await CommandLineTool.with { attune in
            try await attune.succeed("sample", "--tenant", "acme", "--users", "2", "--items", "30")
            let role = "attune_cli_reader_\(UInt32.random(in: 0 ... .max))"
            try await attune.database.withConnection { connection in
                try await connection.executeScript(
                    Statement(
                        name: "reader",
                        text: """
                            CREATE ROLE \(role) LOGIN IN ROLE attune_reader;
                            SELECT attune.map_role('acme', '\(role)', 'read');
                            """))
            }
            let environment = ["PGUSER": role, "ATTUNE_DSN": Self.withoutUser(attune.database.conninfo)]
            let listed = try await attune.run("tenant", "list", environment: environment)
            let refused = try await attune.run("enqueue", "--tenant", "acme", "u-0", environment: environment)
            try await attune.database.withConnection { connection in
                try await connection.executeScript(Statement(name: "reader", text: "DROP ROLE \(role)"))
            }
            #expect(listed.status == 0 && listed.output.contains("acme"), "\(listed.errors)")
            #expect(refused.status == 7 && refused.errors.contains(": not_allowed: "), "\(refused.errors)")
        }
    }

    private static func withoutUser(_ conninfo: String) -> String {
        conninfo.replacing(/\buser=\S+/, with: "")
    }

    @Test("doctor tries database, schema and store, says what helps, and is status 1 when something is bad")
    func doctor() async throws {
        try await CommandLineTool.with { attune in
            let ending = try await attune.run("doctor", "--store", "objects", "--base", "nowhere")
            #expect(ending.status == 1)
            #expect(
                ending.output.hasPrefix(
                    "BAD   no worker runs\n      left alone: jobs wait until one comes\n      helps: attune worker\n"),
                "\(ending.output)")
            #expect(ending.output.contains("base_incomplete"))
            let last = try #require(ending.output.split(separator: "\n").last)
            #expect(last.hasPrefix("ok    ") && last.contains(" database clock schema ") && last.contains(" store "))
            let all = try await attune.run("doctor", "--store", "objects", "--all", "--json").objects
            #expect(all.contains { $0["name"] as? String == "store" && $0["severity"] as? String == "ok" })
            let products = all.first { $0["name"] as? String == "products" }?["what"] as? String
            #expect(products?.hasPrefix("openblas-f32 (OpenBLAS ") == true, "\(products ?? "no such check")")
        }
    }

    @Test("a schema that was never made is said so")
    func schemaMissing() async throws {
        try await TestDatabase.with(.empty) { database in
            let folder = FileManager.default.temporaryDirectory
            let attune = CommandLineTool(database: database, folder: folder)
            let ending = try await attune.run("tenant", "list")
            #expect(ending.status == 2 && ending.errors.contains(": schema_missing: "))
            #expect(ending.errors.hasSuffix("  do: attune migrate\n"))
        }
    }
}
