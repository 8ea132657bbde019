/// One product a row with its owner's vector: `out[n] = x[n] · states[owners[n]]`.
///
/// For ragged groups of rows (users' examples) where a matrix product would compute every row against every owner.
/// - Parameters:
///   - x: `[rows, width]`.
///   - states: `[owners, width]`.
///   - owners: `[rows]`, each below the rows of `states`.
/// - Returns: `[rows]`.
public func ownedDots(_ x: Matrix, _ states: Matrix, owners: [Int32]) -> [Float] {
    checkOwners(x, states, owners)
    var dots = [Float](repeating: 0, count: x.rows)
    let width = x.columns
    unsafe x.values.withUnsafeBufferPointer { x in
        unsafe states.values.withUnsafeBufferPointer { states in
            guard let x = x.baseAddress, let states = states.baseAddress else { return }
            for row in owners.indices {
                unsafe dots[row] = dot(x + row * width, states + Int(owners[row]) * width, width)
            }
        }
    }
    return dots
}

/// Each owner's weighted sum of rows: `states[o] += Σ weights[n] x[n]` over the rows `n` of owner `o`.
///
/// - Parameters:
///   - x: `[rows, width]`.
///   - weights: `[rows]`.
///   - owners: `[rows]`, each below the rows of `states`.
///   - states: `[owners, width]`, added to.
public func addOwnedSums(_ x: Matrix, weights: [Float], owners: [Int32], into states: inout Matrix) {
    checkOwners(x, states, owners)
    precondition(weights.count == x.rows, "\(weights.count) weights for \(x.rows) rows")
    let width = x.columns
    unsafe x.values.withUnsafeBufferPointer { x in
        unsafe states.values.withUnsafeMutableBufferPointer { states in
            guard let x = x.baseAddress, let states = states.baseAddress else { return }
            for row in owners.indices {
                unsafe addScaled(x + row * width, weights[row], to: states + Int(owners[row]) * width, width)
            }
        }
    }
}

private func checkOwners(_ x: Matrix, _ states: Matrix, _ owners: [Int32]) {
    precondition(owners.count == x.rows && x.columns == states.columns, "[\(x.rows), \(x.columns)] rows and owners")
    precondition(owners.allSatisfy { $0 >= 0 && Int($0) < states.rows }, "an owner outside 0..<\(states.rows)")
}

/// `target += scale * x` over `count` values.
private func addScaled(
    _ x: UnsafePointer<Float>, _ scale: Float, to target: UnsafeMutablePointer<Float>, _ count: Int
) {
    let scales = Lanes(repeating: scale)
    var index = 0
    while index &+ Lanes.scalarCount <= count {
        let sum = unsafe loadLanes(target + index) + scales * loadLanes(x + index)
        unsafe store(sum, target + index)
        index &+= Lanes.scalarCount
    }
    while index < count {
        unsafe target[index] += scale * x[index]
        index &+= 1
    }
}
