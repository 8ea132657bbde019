import CVectors
import Foundation

/// What one core of this processor can multiply.
public enum VectorUnit {
    /// The flags in `/proc/cpuinfo`; none where it cannot be read.
    public static let flags: Set<Substring> = {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        return Set((text.split(separator: "\n").first { $0.hasPrefix("flags") } ?? "").split(separator: " "))
    }()

    /// Fused multiply-adds in f32, independent of each other and in registers: `turns` times as many as one turn has.
    ///
    /// - Returns: floating-point operations done, two for each multiply-add; nil on a processor without such instructions.
    public static func multiplyAdd(turns: Int) -> Double? {
        #if arch(x86_64)
            if flags.contains("avx512f") {
                attune_fma_avx512(turns)
                return Double(turns * attune_fma_avx512_operations)
            }
            if flags.isSuperset(of: ["avx2", "fma"]) {
                attune_fma_avx2(turns)
                return Double(turns * attune_fma_avx2_operations)
            }
        #endif
        return nil
    }

    /// The same for products of pairs in bf16 added in f32: four operations for each pair.
    public static func multiplyAddBF16(turns: Int) -> Double? {
        #if arch(x86_64)
            if flags.contains("avx512_bf16") {
                attune_bf16_dots(turns)
                return Double(turns * attune_bf16_dots_operations)
            }
        #endif
        return nil
    }
}
