import Tensor
import Testing

@Suite struct AttentionTests {
    static let shapes = [
        AttentionShape(heads: 3, keyValueHeads: 3, headWidth: 4, isCausal: false),
        AttentionShape(heads: 3, keyValueHeads: 3, headWidth: 4, isCausal: true),
        AttentionShape(heads: 4, keyValueHeads: 2, headWidth: 3, isCausal: true),
        AttentionShape(heads: 4, keyValueHeads: 1, headWidth: 5, isCausal: false),
        AttentionShape(heads: 2, keyValueHeads: 1, headWidth: 32, isCausal: false),
        AttentionShape(heads: 2, keyValueHeads: 2, headWidth: 32, isCausal: true),
    ]

    /// Projections of sequences of these lengths, and where each begins.
    static func packed(_ lengths: [Int], _ shape: AttentionShape, gap: Int) -> (FramedView, boundaries: [Int]) {
        let tokens = lengths.reduce(0, +)
        let values = normals(tokens * shape.columns, seed: UInt64(tokens))
        let boundaries = lengths.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) }
        return (FramedView(tokens, shape.columns, values: values, gap: gap), boundaries)
    }

    static func scratch(_ lengths: [Int]) -> FramedView {
        FramedView(1, AttentionShape.scratchCount(longest: lengths.max() ?? 0), gap: 0)
    }

    @Test(
        "packed attention equals the attention of each sequence alone, for every small split, both ways and causal, with shared keys",
        arguments: shapes)
    func attention(shape: AttentionShape) {
        for lengths in [[1], [5], [1, 1], [4, 0, 3], [2, 7, 1], [17, 3], [0, 40, 0]] {
            let (projections, boundaries) = Self.packed(lengths, shape, gap: lengths.count)
            let (before, scratch) = (projections.values, Self.scratch(lengths))
            let context = FramedView(projections.view.rows, shape.width)
            selfAttention(
                projections.view, boundaries: boundaries, shape: shape, scratch: scratch.view, into: context.view)
            let rows = doubleRows(before, columns: shape.columns)
            for (start, end) in zip(boundaries, boundaries.dropFirst()) {
                let exact = Reference.selfAttention(Array(rows[start..<end]), shape).flatMap(\.self)
                let own = context.values[start * shape.width..<end * shape.width]
                for (value, exact) in zip(own, exact) { #expect(abs(Double(value) - exact) < 2e-6) }
            }
            #expect(projections.values == before)
            for view in [projections, context, scratch] { #expect(view.frameIsUntouched) }
        }
    }

    @Test(
        "attention's gradient agrees with differences, and shared keys get the sum of their heads'", arguments: shapes)
    func gradient(shape: AttentionShape) {
        for lengths in [[1], [5], [4, 0, 3], [1, 11], [19]] {
            let (projections, boundaries) = Self.packed(lengths, shape, gap: lengths.count)
            let (before, scratch) = (projections.values, Self.scratch(lengths))
            let tokens = projections.view.rows
            let dcontext = FramedView(tokens, shape.width, values: normals(tokens * shape.width, seed: 31))
            let gradient = FramedView(tokens, shape.columns)
            selfAttentionGradient(
                dcontext.view, projections: projections.view, boundaries: boundaries, shape: shape,
                scratch: scratch.view, into: gradient.view)
            for (start, end) in zip(boundaries, boundaries.dropFirst()) where end > start {
                let weights = dcontext.values[start * shape.width..<end * shape.width].map(Double.init)
                let own = before[start * shape.columns..<end * shape.columns]
                let exact = centralDifferences(at: own.map(Double.init)) { values in
                    let rows = (0..<end - start).map {
                        Array(values[$0 * shape.columns..<($0 + 1) * shape.columns])
                    }
                    let context = Reference.selfAttention(rows, shape).flatMap(\.self)
                    return zip(context, weights).reduce(0) { $0 + $1.0 * $1.1 }
                }
                let mine = gradient.values[start * shape.columns..<end * shape.columns]
                expectClose(mine, exact, within: 1e-5, "\(lengths) from \(start)")
            }
            // The weights of the way forward give the same, in room for longer sequences too.
            let weights = FramedView(tokens, shape.weightColumns(longest: 33))
            let (context, again) = (FramedView(tokens, shape.width), FramedView(tokens, shape.columns))
            selfAttention(
                projections.view, boundaries: boundaries, shape: shape, scratch: scratch.view, weights: weights.view,
                into: context.view)
            selfAttentionGradient(
                dcontext.view, projections: projections.view, boundaries: boundaries, shape: shape,
                scratch: scratch.view, weights: weights.view, into: again.view)
            #expect(again.values == gradient.values)
            #expect(weights.frameIsUntouched)
            #expect(projections.values == before)
            for view in [projections, dcontext, gradient, scratch] { #expect(view.frameIsUntouched) }
        }
    }

    @Test("rows behind the last sequence are neither read nor written")
    func rowsBehind() {
        let shape = Self.shapes[1]
        let projections = FramedView(6, shape.columns, values: normals(6 * shape.columns, seed: 5))
        projections.view.rows(4..<6).fill(.nan)
        let (context, gradient) = (FramedView(6, shape.width), FramedView(6, shape.columns))
        let scratch = Self.scratch([3])
        selfAttention(
            projections.view, boundaries: [0, 1, 4], shape: shape, scratch: scratch.view, into: context.view)
        #expect(context.view.rows(0..<4).values.allSatisfy { $0.isFinite })
        #expect(context.view.rows(4..<6).values.allSatisfy { $0.isNaN })
        selfAttentionGradient(
            context.view, projections: projections.view, boundaries: [0, 1, 4], shape: shape, scratch: scratch.view,
            into: gradient.view)
        #expect(gradient.view.rows(0..<4).values.allSatisfy { $0.isFinite })
        #expect(gradient.view.rows(4..<6).values.allSatisfy { $0.isNaN })
    }

    @Test(
        "sequences that end before they begin, or behind the rows, and too little scratch stop the program",
        arguments: [([0, 3, 2], 100), ([1, 2], 100), ([0, 5], 100), ([0, 4], 3)])
    func preconditions(boundaries: [Int], scratch: Int) async {
        await #expect(processExitsWith: .failure) { [boundaries, scratch] in
            let shape = AttentionShape(heads: 1, keyValueHeads: 1, headWidth: 2, isCausal: false)
            selfAttention(
                MatrixView(rows: 4, columns: 6), boundaries: boundaries, shape: shape,
                scratch: MatrixView(rows: 1, columns: scratch), into: MatrixView(rows: 4, columns: 2))
        }
    }
}
