import Tensor
import Testing

@Suite struct CachedAttentionTests {
    @Test(
        "attention over kept keys and values is what self-attention gives for the last tokens of a sequence",
        arguments: AttentionTests.shapes.filter(\.isCausal))
    func agrees(shape: AttentionShape) {
        for count in [1, 2, 7, 16, 33] {
            let (projections, boundaries) = AttentionTests.packed([count], shape, gap: 1)
            let scratch = AttentionTests.scratch([count])
            let exact = MatrixView(rows: count, columns: shape.width)
            selfAttention(
                projections.view, boundaries: boundaries, shape: shape, scratch: scratch.view, into: exact)
            let keys = projections.view.columns(shape.width..<shape.width + shape.keyValueWidth)
            let values = projections.view.columns(shape.width + shape.keyValueWidth..<shape.columns)
            for new in [1, 2, count] where new <= count {
                let context = FramedView(new, shape.width)
                cachedAttention(
                    projections.view.rows(count - new..<count), keys: keys, values: values, shape: shape,
                    scratch: scratch.view, into: context.view)
                let expected = exact.rows(count - new..<count).values
                for (mine, exact) in zip(context.values, expected) { #expect(abs(mine - exact) < 2e-6) }
                #expect(context.frameIsUntouched && scratch.frameIsUntouched && projections.frameIsUntouched)
            }
        }
    }

    @Test("more new tokens than keys, and attention both ways, stop the program", arguments: [(2, true), (1, false)])
    func preconditions(queries: Int, isCausal: Bool) async {
        await #expect(processExitsWith: .failure) { [queries, isCausal] in
            let shape = AttentionShape(heads: 1, keyValueHeads: 1, headWidth: 2, isCausal: isCausal)
            cachedAttention(
                MatrixView(rows: queries, columns: 6), keys: MatrixView(rows: 1, columns: 2),
                values: MatrixView(rows: 1, columns: 2), shape: shape, scratch: MatrixView(rows: 1, columns: 64),
                into: MatrixView(rows: queries, columns: 2))
        }
    }
}
