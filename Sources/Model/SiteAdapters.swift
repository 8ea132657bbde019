public import Tensor

/// The rows that come by a site, of all texts of a batch.
public struct SiteRows: Sendable {
    /// What the layer reads, `[rows, inputs]`: a projection's input; of an attention or feed-forward output what that
    /// layer read; of a block's or the pooled output the output itself.
    public let input: MatrixView
    /// What the site yields, `[rows, outputs]`; adapters change it in place.
    public let output: MatrixView
    /// Room of the adapters' own, `[rows, savedColumns]`: what they need on the way back.
    public let saved: MatrixView
    /// `[texts + 1]`: text t is the rows `boundaries[t]..<boundaries[t + 1]`.
    public let boundaries: [Int]

    /// Gathers them.
    public init(input: MatrixView, output: MatrixView, saved: MatrixView, boundaries: [Int]) {
        (self.input, self.output, self.saved, self.boundaries) = (input, output, saved, boundaries)
    }
}

/// What attaches to the sites of a transformer. The transformer knows nothing else of adapters.
public protocol SiteAdapters: Sendable {
    /// The sites in use, and the columns a row that their adapters keep for the way back.
    var savedColumns: [Site: Int] { get }
    /// Changes the output of a site in place.
    func forward(_ site: Site, _ rows: SiteRows)
    /// The way back through what ``forward(_:_:)`` did: sums up the gradients of the adapters' parameters.
    ///
    /// - Parameters:
    ///   - rows: as on the way there, but with the gradient in `output`: on return the gradient at the output as it was
    ///     before the adapters.
    ///   - dx: the gradient at the input, added to; nil where nothing below needs it.
    func backward(_ site: Site, _ rows: SiteRows, dx: MatrixView?)
}

/// No adapters: the base alone.
public struct NoAdapters: SiteAdapters {
    /// Makes them.
    public init() {}
    /// None.
    public var savedColumns: [Site: Int] { [:] }
    /// Nothing.
    public func forward(_ site: Site, _ rows: SiteRows) {}
    /// Nothing.
    public func backward(_ site: Site, _ rows: SiteRows, dx: MatrixView?) {}
}
