import Foundation
import Glibc

/// Whether the loaded OpenBLAS runs lesser kernels than the processor allows, because a variable told it to.
///
/// OpenBLAS reads `OPENBLAS_CORETYPE` once, when it is loaded; some machines export `Haswell` everywhere, which halves
/// the speed of a processor with AVX-512. The only cure is to start again without the variable.
public struct KernelChoice: Sendable, Equatable {
    /// Vector width the loaded kernels use: 0 SSE, 1 AVX, 2 AVX2, 3 AVX-512.
    let loaded: Int
    /// The widest the processor has, on the same scale.
    let possible: Int
    /// Whether the variable is set.
    let isImposed: Bool

    /// Judges by OpenBLAS's name for its kernels and the flags of `/proc/cpuinfo`.
    package init(coreName: String, processorFlags: Set<Substring>, isImposed: Bool) {
        switch coreName.lowercased() {
        case "skylakex", "cooperlake", "sapphirerapids": loaded = 3
        case "haswell", "zen", "excavator": loaded = 2
        case "sandybridge", "bulldozer", "piledriver", "steamroller": loaded = 1
        default: loaded = 0
        }
        if processorFlags.isSuperset(of: ["avx512f", "avx512bw", "avx512dq", "avx512vl"]) {
            possible = 3
        } else if processorFlags.isSuperset(of: ["avx2", "fma"]) {
            possible = 2
        } else {
            possible = processorFlags.contains("avx") ? 1 : 0
        }
        self.isImposed = isImposed
    }

    /// True when starting again without the variable would give faster kernels.
    public var isHeldBack: Bool { isImposed && loaded < possible }

    /// Judges this process.
    public static func current(environment: [String: String]) throws -> KernelChoice {
        KernelChoice(
            coreName: BLASLibrary.coreName, processorFlags: VectorUnit.flags,
            isImposed: environment["OPENBLAS_CORETYPE"] != nil)
    }

    /// Replaces this process by itself without `OPENBLAS_CORETYPE` and `OPENBLAS_L2_SIZE`, once.
    ///
    /// Returns when there is nothing to gain, when `ATTUNE_KERNELS=keep`, when it was already done, or when `execv`
    /// fails: the program then runs, only slower.
    public static func restartIfHeldBack(environment: [String: String]) throws {
        guard environment["ATTUNE_KERNELS"] != "keep", environment["ATTUNE_KERNELS_RESTARTED"] == nil,
            try current(environment: environment).isHeldBack
        else { return }
        unsafe unsetenv("OPENBLAS_CORETYPE")
        unsafe unsetenv("OPENBLAS_L2_SIZE")
        unsafe setenv("ATTUNE_KERNELS_RESTARTED", "1", 1)
        let arguments = CommandLine.arguments
        var pointers = unsafe arguments.map { unsafe strdup($0) }
        unsafe pointers.append(nil)
        unsafe execv("/proc/self/exe", pointers)
        unsafe pointers.forEach { unsafe free($0) }
    }
}
