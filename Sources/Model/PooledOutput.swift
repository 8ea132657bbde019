public import Tensor

/// The pooled output of a pass over texts: the mean of each text's rows, scaled to unit length (Reimers and Gurevych 2019),
/// with the adapters that attach there.
public struct PooledOutput: Sendable {
    /// `[texts, width]` of the largest batch.
    private let means: MatrixView
    /// Lengths of the means before they were scaled, `[texts, 1]`.
    private let lengths: MatrixView
    private let adapted: MatrixView
    private let saved: MatrixView?
    private let site: Site

    /// Room for batches of at most `texts`.
    ///
    /// - Parameter sites: those in use, as for the pass.
    public init(_ configuration: TransformerConfiguration, texts: Int, sites: [Site: Int] = [:]) {
        means = MatrixView(rows: texts, columns: configuration.width)
        lengths = MatrixView(rows: texts, columns: 1)
        adapted = MatrixView(rows: texts, columns: configuration.width)
        site = Site(.pooled, block: configuration.blocks)
        saved = sites[site].map { MatrixView(rows: texts, columns: $0) }
    }

    /// Pools the output of a pass, `[texts, width]`; it lies in a buffer that the next call overwrites.
    public func forward(_ pass: TransformerPass, _ adapters: some SiteAdapters) -> MatrixView {
        let texts = 0..<pass.batch.count
        let pooled = means.rows(texts)
        normalizedMeans(
            pass.output, boundaries: pass.outputBoundaries, into: pooled, lengths: lengths.rows(texts))
        if let saved {
            // The means themselves are needed on the way back.
            let adapted = adapted.rows(texts)
            adapted.copy(pooled)
            adapters.forward(site, rows(adapted, saved.rows(texts)))
            return adapted
        }
        return pooled
    }

    /// The way back, into ``TransformerPass/outputGradient`` where the pass was made for gradients below.
    ///
    /// - Parameter gradient: at what ``forward(_:_:)`` gave; overwritten.
    public func backward(_ gradient: MatrixView, _ pass: TransformerPass, _ adapters: some SiteAdapters) {
        let texts = 0..<gradient.rows
        if let saved { adapters.backward(site, rows(gradient, saved.rows(texts)), dx: nil) }
        guard pass.gradients != nil else { return }
        normalizedMeansGradient(
            gradient, means: means.rows(texts), lengths: lengths.rows(texts), boundaries: pass.outputBoundaries,
            into: pass.outputGradient)
    }

    private func rows(_ output: MatrixView, _ saved: MatrixView) -> SiteRows {
        SiteRows(input: output, output: output, saved: saved, boundaries: Array(0...output.rows))
    }
}
