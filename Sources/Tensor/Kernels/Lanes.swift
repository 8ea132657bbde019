/// Sixteen floats that the compiler keeps in vector registers: running sums enough to hide an addition's latency.
typealias Lanes = SIMD16<Float>

/// Sixteen values from `pointer` on.
@inline(__always)
func loadLanes(_ pointer: UnsafePointer<Float>) -> Lanes {
    unsafe UnsafeRawPointer(pointer).loadUnaligned(as: Lanes.self)
}

/// Writes sixteen values from `pointer` on.
@inline(__always)
func store(_ lanes: Lanes, _ pointer: UnsafeMutablePointer<Float>) {
    unsafe UnsafeMutableRawPointer(pointer).storeBytes(of: lanes, as: Lanes.self)
}

extension Lanes {
    // Halves and not one after the other, as the library's `sum()` and `max()` go: four steps instead of fifteen.

    /// The sum of the sixteen.
    @inline(__always)
    var total: Float {
        let eight = lowHalf + highHalf
        let four = eight.lowHalf + eight.highHalf
        let two = four.lowHalf + four.highHalf
        return two[0] + two[1]
    }

    /// The largest of the sixteen.
    @inline(__always)
    var largest: Float {
        let eight = lowHalf.replacing(with: highHalf, where: highHalf .> lowHalf)
        let four = eight.lowHalf.replacing(with: eight.highHalf, where: eight.highHalf .> eight.lowHalf)
        let two = four.lowHalf.replacing(with: four.highHalf, where: four.highHalf .> four.lowHalf)
        return two[1] > two[0] ? two[1] : two[0]
    }
}

/// The largest of `count >= 1` values.
@inline(__always)
func largest(_ values: UnsafePointer<Float>, count: Int) -> Float {
    var best = unsafe values[0]
    var index = 0
    if count >= Lanes.scalarCount {
        var lanes = unsafe loadLanes(values)
        index = Lanes.scalarCount
        while index &+ Lanes.scalarCount <= count {
            let next = unsafe loadLanes(values + index)
            lanes.replace(with: next, where: next .> lanes)
            index &+= Lanes.scalarCount
        }
        best = lanes.largest
    }
    while index < count {
        best = unsafe values[index] > best ? values[index] : best
        index &+= 1
    }
    return best
}

/// The sum of `count` terms in sixteen running sums, `lanes` giving the terms from an index on and `term` one.
@inline(__always)
func total(_ count: Int, _ lanes: (Int) -> Lanes, _ term: (Int) -> Float) -> Float {
    var sums = Lanes.zero
    var index = 0
    while index &+ Lanes.scalarCount <= count {
        sums += lanes(index)
        index &+= Lanes.scalarCount
    }
    var total = sums.total
    while index < count {
        total += term(index)
        index &+= 1
    }
    return total
}

/// The sum of `count` values.
@inline(__always)
func sum(_ values: UnsafePointer<Float>, count: Int) -> Float {
    total(count) {
        unsafe loadLanes(values + $0)
    } _: {
        unsafe values[$0]
    }
}

/// The sum of `(value - center)²` over `count` values.
@inline(__always)
func squaredDistance(_ values: UnsafePointer<Float>, from center: Float, count: Int) -> Float {
    let centers = Lanes(repeating: center)
    return total(count) {
        let difference = unsafe loadLanes(values + $0) - centers
        return difference * difference
    } _: {
        let difference = unsafe values[$0] - center
        return difference * difference
    }
}

/// `a · b` over `count` values.
@inline(__always)
func dot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) -> Float {
    total(count) {
        unsafe loadLanes(a + $0) * loadLanes(b + $0)
    } _: {
        unsafe a[$0] * b[$0]
    }
}
