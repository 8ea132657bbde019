public import Adapters
import Model
import Tensor

extension AdapterPlan {
    /// What a user of the plan's sparse deltas stores, entries kept by groups.
    ///
    /// - Parameter groups: of the entries of all sparse deltas, in the order of the slots.
    public func deltaShape(_ groups: EntryGroups) -> SparseUserDelta.Shape {
        precondition(groups.groupOfEntry.count == sparseRanges.reduce(0) { $0 + $1.count }, "groups of other entries")
        return SparseUserDelta.Shape(groups: groups, width: configuration.width)
    }

    /// What multiplies the gradients of a user who moves some groups of entries, and the head: `[parameterCount]`.
    ///
    /// - Parameter weights: `[groups]`, 1 or 0 of a mask, anything between of a relaxed one.
    public func mask(_ weights: [Float], _ groups: EntryGroups) -> [Float] {
        var mask = [Float](repeating: 1, count: parameterCount)
        var entry = 0
        for index in sparseRanges.joined() {
            mask[index] = weights[groups.groupOfEntry[entry]]
            entry += 1
        }
        return mask
    }
}

extension EncoderAdaptation {
    /// How far the entries of the sparse deltas are from the start, `[entries]`.
    public func movedEntries(from rule: EncoderRule) -> [Float] {
        rule.plan.sparseRanges.flatMap { range in zip(parameters.columns(range).values, rule.start[range]).map(-) }
    }

    /// How far the head is from the start's: its weights, then its bias.
    public func movedHead(from rule: EncoderRule) -> [Float] {
        let range = rule.plan.parameterCount - rule.plan.configuration.width - 1..<rule.plan.parameterCount
        return zip(parameters.columns(range).values, rule.start[range]).map(-)
    }

    /// Which entries the last adaptation could move in its last step, `[entries]`.
    public func keptEntries(of rule: EncoderRule) -> [Bool] {
        let mask = lastMask
        return rule.plan.sparseRanges.joined().map { mask[$0] != 0 }
    }

    /// What the user of the last adaptation stores; nil where a number is not finite.
    ///
    /// - Parameters:
    ///   - kept: groups of entries that are stored, `[groups]`; the others count as the start's.
    ///   - precision: of entries and head.
    public func delta(
        from rule: EncoderRule, kept: [Bool],
        _ precision: (entries: SparseUserDelta.Precision, head: SparseUserDelta.Precision),
        _ shape: SparseUserDelta.Shape
    ) -> SparseUserDelta? {
        let head = movedHead(from: rule)
        return SparseUserDelta(
            rounding: movedEntries(from: rule), kept: kept, head: head.dropLast(), bias: head[head.count - 1],
            precision, shape)
    }

    /// Makes the user who stored a delta the one that is scored.
    ///
    /// - Parameter delta: of the rule's plan.
    public mutating func restore(_ delta: SparseUserDelta, with rule: EncoderRule) {
        let dense = delta.dense()
        var values = rule.start
        for (index, moved) in zip(rule.plan.sparseRanges.joined(), dense.entries) { values[index] += moved }
        let head = rule.plan.parameterCount - dense.head.count - 1
        for (index, moved) in (dense.head + [dense.bias]).enumerated() { values[head + index] += moved }
        parameters.copy(values.span)
    }
}
