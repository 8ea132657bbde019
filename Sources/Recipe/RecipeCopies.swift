public import Adapters

extension Recipe {
    /// A difference that another recipe made, as a start for this one's steps.
    ///
    /// Vectors of texts mean something under the recipe they were learned for only: of a difference that another recipe made, what
    /// moved along its vectors is left out.
    /// - Returns: nil where the base of the other recipe makes another number of features.
    public func carried(_ delta: HeadDelta, from other: Recipe) -> HeadDelta? {
        guard baseWidth == other.baseWidth, delta.width == other.width else { return nil }
        if items == other.items { return delta }
        let (weights, bias) = delta.dense()
        return FullDelta(
            weights.prefix(baseWidth) + [Float](repeating: 0, count: width - baseWidth), bias: bias
        ).map(HeadDelta.full)
    }
}
