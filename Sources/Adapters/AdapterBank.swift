public import Model
public import Tensor

/// Adapters of several users at once, at the sites of one plan: each user's texts meet that user's parameters.
///
/// The base's products run over all users' rows together; these small ones run over each user's.
public struct AdapterBank: SiteAdapters {
    /// The sites and kinds.
    public let plan: AdapterPlan
    /// One row a user, `[users, plan.parameterCount]`.
    public let parameters: MatrixView
    /// Their gradients, summed up by ``backward(_:_:dx:)``; set them to zero before.
    public let gradients: MatrixView
    /// What its plan needs at each site.
    public let savedColumns: [Site: Int]
    /// `[users + 1]`: user u's texts in the next batch are `textsOfUsers[u]..<textsOfUsers[u + 1]`.
    public var textsOfUsers: [Int] = [0]

    /// By slot and user.
    private let tensors: [[[MatrixView]]]
    private let tensorGradients: [[[MatrixView]]]

    /// Room for users, all of them zeros.
    public init(_ plan: AdapterPlan, users: Int) {
        let parameters = MatrixView(rows: users, columns: plan.parameterCount)
        let gradients = MatrixView(rows: users, columns: plan.parameterCount)
        (self.plan, self.parameters, self.gradients, savedColumns) = (plan, parameters, gradients, plan.savedColumns)
        func split(_ rows: MatrixView) -> [[[MatrixView]]] {
            plan.slots.map { slot in
                (0..<users).map { plan.tensors(slot, in: rows.rows($0..<$0 + 1)) }
            }
        }
        (tensors, tensorGradients) = (split(parameters), split(gradients))
    }

    /// A parameter of a user at a site by its name in ``AdapterKind/parameters(inputs:outputs:)``; both must exist.
    public func tensor(_ name: String, at site: Site, of user: Int) -> MatrixView {
        find(name, site, user, in: tensors)
    }

    /// Its gradient.
    public func gradient(_ name: String, at site: Site, of user: Int) -> MatrixView {
        find(name, site, user, in: tensorGradients)
    }

    private func find(_ name: String, _ site: Site, _ user: Int, in tensors: [[[MatrixView]]]) -> MatrixView {
        guard let slot = plan.slotOfSite[site],
            let index = plan.slots[slot].parameters.firstIndex(where: { $0.name == name })
        else { preconditionFailure("no \(name) at \(site)") }
        return tensors[slot][user][index]
    }

    /// A user's head: weights `[outputs, width]`, biases `[1, outputs]`.
    public func head(of user: Int) -> (weights: MatrixView, bias: MatrixView)? {
        plan.head(in: parameters.rows(user..<user + 1))
    }

    /// Its gradients.
    public func headGradient(of user: Int) -> (weights: MatrixView, bias: MatrixView)? {
        plan.head(in: gradients.rows(user..<user + 1))
    }

    /// Lets each user's adapter act on that user's rows.
    public func forward(_ site: Site, _ rows: SiteRows) {
        forEachUser(at: site, rows, dx: nil) { slot, index, user, rows, _ in
            if slot.readsOutput { rows.input.copy(rows.output) }
            slot.kind.forward(tensors[index][user], x: rows.input, y: rows.output, saved: rows.saved)
        }
    }

    /// The way back through each user's adapter.
    public func backward(_ site: Site, _ rows: SiteRows, dx: MatrixView?) {
        forEachUser(at: site, rows, dx: dx) { slot, index, user, rows, dx in
            slot.kind.backward(
                tensors[index][user], gradients: tensorGradients[index][user], x: rows.input, saved: rows.saved,
                dy: rows.output, dx: slot.readsOutput ? rows.output : dx)
        }
    }

    /// One user's rows at a time. Where adapters read what they change, the input is the copy in the pass's room.
    private func forEachUser(
        at site: Site, _ rows: SiteRows, dx: MatrixView?,
        _ body: (AdapterPlan.Slot, Int, Int, SiteRows, MatrixView?) -> Void
    ) {
        guard let index = plan.slotOfSite[site] else { return }
        precondition(
            textsOfUsers.count <= parameters.rows + 1 && textsOfUsers.last == rows.boundaries.count - 1,
            "\(textsOfUsers.last ?? 0) texts of users in a batch of \(rows.boundaries.count - 1)")
        let slot = plan.slots[index]
        let copied = slot.readsOutput ? slot.outputs : 0
        func visit(_ user: Int, _ texts: Range<Int>) {
            let own = rows.boundaries[texts.lowerBound]..<rows.boundaries[texts.upperBound]
            let saved = rows.saved.rows(own)
            body(
                slot, index, user,
                SiteRows(
                    input: slot.readsOutput ? saved.columns(0..<copied) : rows.input.rows(own),
                    output: rows.output.rows(own), saved: saved.columns(copied..<saved.columns),
                    boundaries: rows.boundaries),
                dx?.rows(own))
        }
        for (user, texts) in zip(textsOfUsers, textsOfUsers.dropFirst()).enumerated() {
            if site.place == .embeddings {
                // Virtual tokens are the first of each text.
                for text in texts.0..<texts.1 { visit(user, text..<text + 1) }
            } else {
                visit(user, texts.0..<texts.1)
            }
        }
    }
}
