import ArgumentParser
import Foundation
import Processor
import Tensor

/// The `attune` command.
struct Attune: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attune",
        abstract: "A model that fits each of your users, kept fresh by a queue that loses nothing.",
        discussion: """
            A first run, all on this machine:
              attune up --background
              attune sample --tenant demo --users 1000
              attune meta-train --tenant demo
              attune enqueue --tenant demo --all
              attune status --watch

            \(ExitStatus.help)
            """,
        version: BuildIdentity.version,
        groupedSubcommands: [
            CommandGroup(
                name: "Run it",
                subcommands: [
                    Up.self, Down.self, WorkerCommand.self, SchedulerCommand.self, WorkersCommand.self,
                    LanesCommand.self,
                ]),
            CommandGroup(
                name: "Set it up",
                subcommands: [
                    Migrate.self, DSN.self, Tenants.self, Bases.self, Recipes.self, Catalogues.self, Import.self,
                    Sample.self, MetaTrain.self,
                ]),
            CommandGroup(
                name: "Adapt and ask",
                subcommands: [
                    Enqueue.self, Status.self, Jobs.self, JobCommand.self, UserCommand.self, Cancel.self, Retry.self,
                    AdapterCommand.self, Predict.self, AdaptCommand.self, GenerateCommand.self,
                ]),
            CommandGroup(name: "Change the base model", subcommands: [Readapt.self, CampaignCommand.self]),
            CommandGroup(
                name: "Measure",
                subcommands: [Doctor.self, Eval.self, BenchCommand.self, ChaosCommand.self, Version.self]),
        ])
}

/// Parses, runs, and turns every ending into an exit status and at most one error of two lines.
@main enum Main {
    static func main() async {
        do {
            try ProcessorSupport.require()
            try KernelChoice.restartIfHeldBack(environment: ProcessInfo.processInfo.environment)
            BLASLibrary.useOneThread()
            var command = try Attune.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            exit(report(error))
        }
    }

    /// Says what went wrong on standard error (help goes to standard output) and returns the exit status.
    static func report(_ error: any Error) -> Int32 {
        if let ending = error as? ExitStatus { return ending.rawValue }
        if Attune.exitCode(for: error) == .success {
            print(Attune.fullMessage(for: error))
            return ExitStatus.done.rawValue
        }
        let (status, text) = ExitStatus.judge(error)
        Terminal.error(text)
        return status.rawValue
    }
}
