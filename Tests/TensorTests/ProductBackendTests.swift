import Tensor
import Testing

@Suite struct ProductBackendTests {
    @Test("OpenBLAS is always there and comes first")
    func openBLASIsThere() throws {
        #expect(ProductBackend.available.first == .openBLAS)
        #expect(try ProductBackend.choose(preferred: .openBLAS) == .openBLAS)
        #expect(ProductBackend.openBLAS.kernelDescription == "OpenBLAS \(BLASLibrary.version) \(BLASLibrary.coreName)")
    }

    @Test("names stay as they are: settings and figures hold them")
    func names() {
        #expect(ProductBackend.allCases.map(\.rawValue) == ["openblas-f32", "onednn-f32", "onednn-bf16"])
    }

    @Test("without a preference it is oneDNN in f32 where that has its packed kernels, else OpenBLAS, never bf16")
    func automaticIsF32() throws {
        let isPacked = ProductBackend.oneDNN.kernelDescription.contains(" brg")
        #expect(try ProductBackend.choose(preferred: nil) == (isPacked ? .oneDNN : .openBLAS))
    }

    @Test(
        "what is not there says why when it is asked for", arguments: ProductBackend.allCases)
    func absenceIsReported(backend: ProductBackend) throws {
        if let reason = backend.obstacle {
            #expect(throws: ProductBackend.Unavailable.self) { try ProductBackend.choose(preferred: backend) }
            #expect(backend.kernelDescription == reason && !ProductBackend.available.contains(backend))
            print("SKIPPED: products of \(backend.rawValue) are not tested here: \(reason)")
        } else {
            #expect(try ProductBackend.choose(preferred: backend) == backend)
            #expect(!backend.kernelDescription.isEmpty && ProductBackend.available.contains(backend))
        }
    }

    @Test("a library that is not there, or is not oneDNN, is an error with a reason")
    func otherLibraries() {
        let missing = #expect(throws: OneDNNError.self) { try OneDNNLibrary(named: "libdoesnotexist.so") }
        #expect(missing?.reason.contains("libdoesnotexist.so") == true)
        let other = #expect(throws: OneDNNError.self) { try OneDNNLibrary(named: "libopenblas.so.0") }
        #expect(other?.reason.contains("not oneDNN") == true)
    }

    @Test("the kernels are compiled for this processor, not a reference implementation")
    func kernelsAreCompiled() {
        for backend in ProductBackend.available where backend != .openBLAS {
            #expect(backend.kernelDescription.contains("brg") || backend.kernelDescription.contains("jit"))
        }
    }

    /// Two units of 512 bits at 7 GHz, which no core reaches; a loop that the compiler has emptied is far beyond.
    private static let mostOperationsPerSecond = 2.0 * 16 * 2 * 7e9

    @Test("the loops of multiply-adds take the time that multiply-adds take")
    func loopsAreNotEmpty() {
        for (loop, pairs) in [(VectorUnit.multiplyAdd, 1.0), (VectorUnit.multiplyAddBF16, 2.0)] {
            var operations: Double?
            let span = ContinuousClock().measure { operations = loop(2_000_000) }
            guard let operations else {
                print("SKIPPED: this processor has no such multiply-adds")
                continue
            }
            #expect(operations / (span / .seconds(1)) < pairs * Self.mostOperationsPerSecond)
        }
    }
}
