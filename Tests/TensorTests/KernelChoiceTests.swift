import Tensor
import Testing

@Suite struct KernelChoiceTests {
    static let wide: Set<Substring> = ["avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl"]

    static let narrow: Set<Substring> = ["avx", "avx2", "fma"]

    @Test(
        "a restart is worth it only when a variable holds the kernels below the processor",
        arguments: [
            ("Haswell", wide, true, true), ("Haswell", wide, false, false), ("Cooperlake", wide, true, false),
            ("Haswell", narrow, true, false), ("Prescott", narrow, true, true),
        ])
    func judges(core: String, flags: Set<Substring>, isImposed: Bool, isHeldBack: Bool) {
        let choice = KernelChoice(coreName: core, processorFlags: flags, isImposed: isImposed)
        #expect(choice.isHeldBack == isHeldBack)
    }
}
