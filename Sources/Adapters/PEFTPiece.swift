extension PEFTFolder {
    /// One module's LoRA.
    struct Piece {
        var kind: LoRA
        /// `[rank, inputs]`
        var a: [Float]
        /// `[outputs, rank]`
        var b: [Float]

        static func zero(_ kind: LoRA, inputs: Int, outputs: Int) -> Piece {
            Piece(
                kind: kind, a: [Float](repeating: 0, count: kind.rank * inputs),
                b: [Float](repeating: 0, count: outputs * kind.rank))
        }

        /// The adapters of outputs that lie side by side, as one adapter of them all.
        ///
        /// - Parameters:
        ///   - parts: one each of the outputs; nil: none. At least one is there.
        ///   - outputs: channels of each.
        static func joined(_ parts: [Piece?], outputs: [Int]) -> Piece {
            let present = parts.compactMap { $0 }
            guard let first = present.first else { preconditionFailure("no part to join") }
            if present.allSatisfy({ $0.kind == first.kind && $0.a == first.a }) {
                let b = zip(parts, outputs).flatMap { part, outputs in
                    part?.b ?? [Float](repeating: 0, count: outputs * first.kind.rank)
                }
                return Piece(kind: first.kind, a: first.a, b: b)
            }
            return diagonal(parts, present, outputs: outputs)
        }

        /// Ranks add up; scales are the largest one's, the other parts' `B` made smaller.
        private static func diagonal(_ parts: [Piece?], _ present: [Piece], outputs: [Int]) -> Piece {
            let rank = present.reduce(0) { $0 + $1.kind.rank }
            guard let leader = present.max(by: { abs($0.kind.scale) < abs($1.kind.scale) })?.kind else {
                preconditionFailure("no part to join")
            }
            var (b, first): ([Float], Int) = ([], 0)
            for (part, outputs) in zip(parts, outputs) {
                guard let part else {
                    b += [Float](repeating: 0, count: outputs * rank)
                    continue
                }
                let own = part.kind.rank
                let factor = leader.scale == part.kind.scale ? 1 : part.kind.scale / leader.scale
                for output in 0..<outputs {
                    b += [Float](repeating: 0, count: first)
                    b += part.b[output * own..<(output + 1) * own].map { factor * $0 }
                    b += [Float](repeating: 0, count: rank - first - own)
                }
                first += own
            }
            let kind = LoRA(
                rank: rank, alpha: leader.alpha(ofRank: rank, isRankStabilized: leader.isRankStabilized),
                isRankStabilized: leader.isRankStabilized)
            return Piece(kind: kind, a: present.flatMap(\.a), b: b)
        }
    }
}

extension LoRA {
    /// The alpha that gives this scale to another rank.
    func alpha(ofRank other: Int, isRankStabilized isOtherStabilized: Bool) -> Float {
        func divisor(_ rank: Int, _ isStabilized: Bool) -> Double {
            isStabilized ? Double(rank).squareRoot() : Double(rank)
        }
        return Float(Double(alpha) / divisor(rank, isRankStabilized) * divisor(other, isOtherStabilized))
    }
}
