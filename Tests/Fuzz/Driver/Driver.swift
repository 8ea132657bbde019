import CFuzzer
import FuzzTargets
import Glibc

/// libFuzzer, with its own arguments, on one target: a corpus and its coverage belong to a process. The target comes in the
/// environment, because libFuzzer starts itself anew to merge a corpus.
@main enum Driver {
    static let target: FuzzTarget = {
        let name = unsafe getenv("ATTUNE_FUZZ_TARGET").map { unsafe String(cString: $0) } ?? ""
        guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
            fatalError("ATTUNE_FUZZ_TARGET is one of \(FuzzTarget.all.map(\.name).joined(separator: " "))")
        }
        return target
    }()

    static func main() {
        var count = CommandLine.argc
        var arguments = unsafe Optional(CommandLine.unsafeArgv)
        let result = unsafe LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
            _ = Driver.target.problem(with: unsafe Array(UnsafeBufferPointer(start: bytes, count: count)))
            return 0
        }
        exit(result)
    }
}
