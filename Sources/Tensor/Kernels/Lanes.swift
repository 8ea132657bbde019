/// Eight floats that the compiler keeps in vector registers; the width of the reductions below.
typealias Lanes = SIMD8<Float>

/// Eight values from `pointer` on.
@inline(__always)
func loadLanes(_ pointer: UnsafePointer<Float>) -> Lanes {
    unsafe UnsafeRawPointer(pointer).loadUnaligned(as: Lanes.self)
}

/// The largest of `count >= 1` values.
@inline(__always)
func largest(_ values: UnsafePointer<Float>, count: Int) -> Float {
    var best = unsafe values[0]
    var index = 0
    if count >= 8 {
        var lanes = unsafe loadLanes(values)
        index = 8
        while index &+ 8 <= count {
            let next = unsafe loadLanes(values + index)
            lanes.replace(with: next, where: next .> lanes)
            index &+= 8
        }
        best = lanes.max()
    }
    while index < count {
        best = unsafe values[index] > best ? values[index] : best
        index &+= 1
    }
    return best
}

/// The sum of `count` values, in eight running sums.
@inline(__always)
func sum(_ values: UnsafePointer<Float>, count: Int) -> Float {
    var lanes = Lanes.zero
    var index = 0
    while index &+ 8 <= count {
        unsafe lanes += loadLanes(values + index)
        index &+= 8
    }
    var total = lanes.sum()
    while index < count {
        unsafe total += values[index]
        index &+= 1
    }
    return total
}

/// The sum of `(value - center)^2` over `count` values, in eight running sums.
@inline(__always)
func squaredDistance(_ values: UnsafePointer<Float>, from center: Float, count: Int) -> Float {
    var lanes = Lanes.zero
    let centers = Lanes(repeating: center)
    var index = 0
    while index &+ 8 <= count {
        let difference = unsafe loadLanes(values + index) - centers
        lanes += difference * difference
        index &+= 8
    }
    var total = lanes.sum()
    while index < count {
        let difference = unsafe values[index] - center
        total += difference * difference
        index &+= 1
    }
    return total
}
