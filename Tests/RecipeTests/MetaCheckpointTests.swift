import Foundation
import Meta
import Problem
import Recipe
import Safetensors
import Tensor
import Testing

@Suite struct MetaCheckpointTests {
    private struct Stop: Error {}

    private var quick: OuterSettings {
        var settings = OuterSettings()
        (settings.folds, settings.maximumSteps, settings.tensorRate) = (2, 75, 1e-2)
        return settings
    }

    private func trainer(users: Int, seed: UInt64 = 1, steps: Int = 75) throws -> MetaTrainer {
        var settings = quick
        (settings.seed, settings.maximumSteps) = (seed, steps)
        return try MetaTrainer(MetaTrainerTests.population(users: users), outer: settings, at: "users")
    }

    /// The checkpoint that a training has told last when it is stopped at its `count`-th.
    private func stopped(_ trainer: MetaTrainer, afterCheckpoints count: Int) throws -> MetaCheckpoint {
        var last: MetaCheckpoint?
        var seen = 0
        do {
            _ = try trainer.train(name: "r", baseDigest: "b") { event throws(Stop) in
                guard case .checkpoint(let now) = event else { return }
                (last, seen) = (now, seen + 1)
                if seen == count { throw Stop() }
            }
            Issue.record("it ended before checkpoint \(count)")
        } catch {}
        return try #require(last)
    }

    @Test(
        "training that stops at any checkpoint goes on to the same bytes",
        arguments: [(200, 1), (200, 2), (200, 4), (200, 6), (60, 5)])
    func resumes(users: Int, checkpoints: Int) throws {
        let trainer = try trainer(users: users)
        let whole = try trainer.train(name: "r", baseDigest: "b") { _ in }.encode()
        let left = try stopped(trainer, afterCheckpoints: checkpoints)
        let read = try MetaCheckpoint(decoding: left.encode(), at: "checkpoint")
        #expect(read == left)
        let resumed = try trainer.resuming(read, baseDigest: "b", at: "checkpoint")
        var told = 0
        let recipe = resumed.train(name: "r", baseDigest: "b") { event in
            if case .learning = event { told += 1 }
        }
        #expect(try recipe.encode() == whole)
        let all = users == 200 ? 6 : 12
        #expect(told == all - checkpoints, "what was done is not done again")
    }

    @Test("a checkpoint of other users, another base, seed or setting is refused by name")
    func refusesOthers() throws {
        let left = try stopped(trainer(users: 120), afterCheckpoints: 1)
        func refusal(_ trainer: MetaTrainer, base: String = "b") -> Problem? {
            do {
                _ = try trainer.resuming(left, baseDigest: base, at: "file")
                return nil
            } catch {
                return error
            }
        }
        let same = try trainer(users: 120)
        #expect(refusal(same) == nil)
        let cases: [(Problem?, String)] = try [
            (refusal(trainer(users: 130)), "users and texts"), (refusal(trainer(users: 120), base: "c"), "the base"),
            (refusal(trainer(users: 120, seed: 2)), "seed was 1, now it is 2"),
            (refusal(trainer(users: 120, steps: 100)), "maximumSteps was 75, now it is 100"),
        ]
        for (problem, words) in cases {
            let problem = try #require(problem)
            #expect(problem.errorClass == "checkpoint_mismatch" && problem.location == "file")
            #expect(problem.reason.contains(words), "\(problem.reason)")
        }
    }

    @Test("a file that is no checkpoint, a newer or a damaged one is refused")
    func refusesFiles() throws {
        let bytes = try stopped(trainer(users: 120), afterCheckpoints: 1).encode()
        func refusal(_ bytes: [UInt8]) -> String? {
            do {
                _ = try MetaCheckpoint(decoding: bytes, at: "file")
                return nil
            } catch {
                return (error as? any ProblemConvertible)?.problem.errorClass
            }
        }
        #expect(refusal(bytes) == nil)
        #expect(refusal([]) == "file_truncated" || refusal([]) == "safetensors_malformed")
        #expect(refusal(SafetensorsWriter(metadata: ["format": "attune-recipe"]).encoded()) == "checkpoint_malformed")
        let newer = ["format": "attune-checkpoint", "version": "2"]
        #expect(refusal(SafetensorsWriter(metadata: newer).encoded()) == "checkpoint_newer")
        let shape = #""width":16384,"innerSteps":1,"isIsotropic":false"#
        let fold = #"{"start":0,"fold":0,\#(shape),"bestLossBits":0,"bestStep":0}"#
        var stated = ["format": "attune-checkpoint", "version": "1", "origin": "{}", "folds": "[\(fold)]"]
        #expect(refusal(SafetensorsWriter(metadata: stated).encoded()) == "checkpoint_malformed", "no such fold")
        stated["starts"] = "1"
        #expect(refusal(SafetensorsWriter(metadata: stated).encoded()) == "tensor_missing", "and no room made for it")
        stated["folds"] = "[]]"
        #expect(refusal(SafetensorsWriter(metadata: stated).encoded()) == "checkpoint_malformed")
    }
}
