import Tensor

/// Seeded values of a normal distribution around 0.
func normals(_ count: Int, seed: UInt64, scale: Double = 1) -> [Float] {
    var random = RandomSource(seed: seed)
    return (0..<count).map { _ in Float(scale * random.normal()) }
}
