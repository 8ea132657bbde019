import CProcessor
public import Problem

/// Vector instructions that `Tensor` can be compiled for; `Package.swift` chooses.
public enum ProcessorSupport: Sendable {
    /// Those of any x86-64 processor, or of another architecture.
    case any
    /// AVX2 and FMA: x86-64-v3.
    case avx2
    /// AVX-512: x86-64-v4.
    case avx512

    /// What this build's kernels are made of.
    public static var built: ProcessorSupport {
        #if ATTUNE_AVX512
            .avx512
        #elseif ATTUNE_AVX2
            .avx2
        #else
            .any
        #endif
    }

    /// Throws a ``Problem`` `processor_lacks` where the kernels' first instruction would end the process by a signal.
    ///
    /// Called before anything of `Tensor`. This module is compiled for any processor; a check inside `Tensor` might itself
    /// hold the instructions that it asks for.
    public static func require() throws(Problem) {
        try require(built, hasAVX2: attune_processor_has_avx2(), hasAVX512: attune_processor_has_avx512())
    }

    /// The same for a processor that has, or has not.
    package static func require(_ built: ProcessorSupport, hasAVX2: Bool, hasAVX512: Bool) throws(Problem) {
        let lacking: String
        switch built {
        case .avx2 where !hasAVX2: lacking = "AVX2 and FMA"
        case .avx512 where !hasAVX512: lacking = "AVX-512"
        case .any, .avx2, .avx512: return
        }
        throw Problem(
            "processor_lacks", at: "this machine",
            "attune was built for processors with \(lacking); this one has none, or its virtual machine hides them.",
            do: "ATTUNE_TARGET_CPU=\(hasAVX2 ? "x86-64-v3" : "x86-64") swift build -c release --product attune")
    }
}
