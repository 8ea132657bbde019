import Problem
import Processor
import Testing

@Suite struct ProcessorSupportTests {
    @Test("this machine has what the kernels under test were built for")
    func thisMachine() {
        #expect(throws: Never.self) { try ProcessorSupport.require() }
    }

    @Test(
        "a processor without the kernels' instructions is refused, and told which build it can run",
        arguments: [
            (ProcessorSupport.avx2, false, false, "ATTUNE_TARGET_CPU=x86-64 "),
            (.avx512, false, false, "ATTUNE_TARGET_CPU=x86-64 "),
            (.avx512, true, false, "ATTUNE_TARGET_CPU=x86-64-v3 "),
        ])
    func refused(built: ProcessorSupport, hasAVX2: Bool, hasAVX512: Bool, advice: String) {
        let problem = #expect(throws: Problem.self) {
            try ProcessorSupport.require(built, hasAVX2: hasAVX2, hasAVX512: hasAVX512)
        }
        #expect(problem?.errorClass == "processor_lacks")
        #expect(problem?.remedy.contains(advice) == true)
    }

    @Test(
        "a processor that has them, or kernels that need none, pass",
        arguments: [
            (ProcessorSupport.any, false, false), (.avx2, true, false), (.avx2, true, true), (.avx512, true, true),
        ])
    func accepted(built: ProcessorSupport, hasAVX2: Bool, hasAVX512: Bool) {
        #expect(throws: Never.self) {
            try ProcessorSupport.require(built, hasAVX2: hasAVX2, hasAVX512: hasAVX512)
        }
    }
}
