public import Model
public import Tensor

/// Which kinds of adapter sit at which sites of a base, and where their parameters lie in a user's row of numbers.
public struct AdapterPlan: Sendable {
    /// One site's adapter.
    public struct Slot: Sendable {
        /// Where it sits.
        public let site: Site
        /// What it is.
        public let kind: any AdapterKind
        /// Channels of what it reads.
        public let inputs: Int
        /// Channels of what it adds to.
        public let outputs: Int
        /// Its parameters.
        public let parameters: [ParameterShape]
        /// Where each begins in a user's row.
        public let offsets: [Int]

        /// Whether it reads what it adds to, which must then be kept for the way back.
        var readsOutput: Bool { !site.place.isProjection && !(kind.readsLayerInput && site.place.hasLayerInput) }
        /// Columns of the kind's own.
        var ownColumns: Int { kind.savedColumns(inputs: inputs, outputs: outputs) }
    }

    /// The base's shape.
    public let configuration: TransformerConfiguration
    /// In the order of the sites.
    public let slots: [Slot]
    /// What each user's own head over the pooled output is judged by; nil: there is none.
    public let head: HeadLoss?
    /// Numbers a user: those of the slots in order, then the head's weights `[outputs, width]` and its biases.
    public let parameterCount: Int

    let slotOfSite: [Site: Int]
    private let headOffset: Int

    /// Lays out the parameters.
    ///
    /// - Parameters:
    ///   - kinds: one kind a site; every site must exist in the base.
    ///   - head: of each user, beside the adapters.
    public init(_ configuration: TransformerConfiguration, _ kinds: [Site: any AdapterKind], head: HeadLoss? = nil) {
        (self.configuration, self.head) = (configuration, head)
        var (slots, offset): ([Slot], Int) = ([], 0)
        for (site, kind) in kinds.sorted(by: { $0.key < $1.key }) {
            precondition(configuration.has(site), "the base has no site \(site)")
            let channels = configuration.channels(at: site)
            let shapes = kind.parameters(inputs: channels.inputs, outputs: channels.outputs)
            var offsets: [Int] = []
            for shape in shapes {
                offsets.append(offset)
                offset += shape.count
            }
            slots.append(
                Slot(
                    site: site, kind: kind, inputs: channels.inputs, outputs: channels.outputs, parameters: shapes,
                    offsets: offsets))
        }
        (self.slots, headOffset) = (slots, offset)
        parameterCount = offset + (head?.outputs ?? 0) * (configuration.width + 1)
        slotOfSite = Dictionary(uniqueKeysWithValues: slots.enumerated().map { ($1.site, $0) })
    }

    /// The columns a row that a pass must keep at each site.
    public var savedColumns: [Site: Int] {
        Dictionary(
            uniqueKeysWithValues: slots.map { ($0.site, $0.ownColumns + ($0.readsOutput ? $0.outputs : 0)) })
    }

    /// Rows before each sequence's own that an adapter at the embeddings fills.
    public var virtualTokens: Int {
        slots.first { $0.site.place == .embeddings }.flatMap { $0.kind as? PromptTokens }?.count ?? 0
    }

    /// How far a pass may be frozen: what lies before is the same for every user.
    public var cut: Cut {
        guard let first = slots.first else { return .block(configuration.blocks) }
        switch first.site.place {
        case .pooled: return .block(configuration.blocks)
        case .block: return .block(first.site.block + 1)
        case .feedForward where first.readsOutput: return .feedForward(first.site.block)
        default: return first.site.block == 0 ? .tokens : .block(first.site.block)
        }
    }

    /// Where each tensor lies in a user's row: the parameters of the slots in order, then the head's weights and its biases.
    public var tensorRanges: [Range<Int>] {
        var ranges = slots.flatMap { slot in
            zip(slot.parameters, slot.offsets).map { $1..<$1 + $0.count }
        }
        if let head {
            let biases = parameterCount - head.outputs
            ranges += [headOffset..<biases, biases..<parameterCount]
        }
        return ranges
    }

    /// Where the values of sparse deltas lie in a user's row, a range a slot.
    public var sparseRanges: [Range<Int>] {
        slots.filter { $0.kind is SparseDelta }.map { $0.offsets[0]..<$0.offsets[0] + $0.parameters[0].count }
    }

    /// A slot's parameters in a user's row.
    func tensors(_ slot: Slot, in row: MatrixView) -> [MatrixView] {
        zip(slot.parameters, slot.offsets).map { shape, offset in
            MatrixView(row.buffer, offset: row.offset + offset, rows: shape.rows, columns: shape.columns)
        }
    }

    /// A user's head in its row: weights `[outputs, width]` and biases `[1, outputs]`; nil where users have none.
    public func head(in row: MatrixView) -> (weights: MatrixView, bias: MatrixView)? {
        guard let head else { return nil }
        let start = row.offset + headOffset
        return (
            MatrixView(row.buffer, offset: start, rows: head.outputs, columns: configuration.width),
            MatrixView(row.buffer, offset: start + head.outputs * configuration.width, rows: 1, columns: head.outputs)
        )
    }

    /// The start of every kind, one user's row: adapters that change nothing, and a head that scores zero.
    public func initialParameters(_ random: inout RandomSource) -> [Float] {
        let row = MatrixView(rows: 1, columns: parameterCount)
        for slot in slots { slot.kind.initialize(tensors(slot, in: row), random: &random) }
        return row.values
    }
}

extension Site.Place {
    /// Whether a layer lies before it whose input an adapter beside the layer reads.
    var hasLayerInput: Bool { self == .attention || self == .feedForward }
}
