import Foundation
import Gate
import Tensor
import Testing

@Suite struct HardConcreteTests {
    @Test(
        "chances of an open gate, means and values without noise are those of the closed forms",
        arguments: [(-2.0, 0.4010, 0.1426, 0.0430), (0, 0.8318, 0.5, 0.5), (2, 0.9734, 0.8574, 0.9570)])
    func closedForms(logAlpha: Double, open: Double, mean: Double, value: Double) {
        let gate = HardConcrete(logAlpha: logAlpha)
        #expect(abs(gate.openProbability - open) < 5e-5)
        #expect(abs(gate.value - value) < 5e-4)
        let draws = (0..<20_000).map { gate.draw(noise: (Double($0) + 0.5) / 20_000).value }
        #expect(abs(draws.reduce(0, +) / 20_000 - mean) < 5e-4)
        #expect(abs(Double(draws.count { $0 > 0 }) / 20_000 - open) < 2e-4)
    }

    @Test("derivatives are differences, and zero where a draw is clamped")
    func gradients() {
        let step = 1e-5
        for logAlpha in [-3.0, -0.4, 0, 1.7] {
            let (gate, up, down) = (
                HardConcrete(logAlpha: logAlpha), HardConcrete(logAlpha: logAlpha + step),
                HardConcrete(logAlpha: logAlpha - step)
            )
            let slope = (up.openProbability - down.openProbability) / (2 * step)
            #expect(abs(slope - gate.openProbabilityGradient) < 1e-8)
            for noise in stride(from: 0.005, to: 1, by: 0.01) {
                let draw = gate.draw(noise: noise)
                let difference = (up.draw(noise: noise).value - down.draw(noise: noise).value) / (2 * step)
                #expect(abs(difference - draw.gradient) < 1e-6, "\(logAlpha), \(noise)")
                if draw.value == 0 || draw.value == 1 { #expect(draw.gradient == 0) }
            }
        }
        #expect(HardConcrete(logAlpha: 0).draw(noise: 0).value == 0)
        #expect(HardConcrete(logAlpha: 0).draw(noise: 1).value == 1)
    }

    @Test("gates of groups that lower the loss open and the others close, as many as are asked for")
    func trains() {
        // L(z) = Σ_j w_j z_j over users whose weights differ: the first four groups help.
        let weights = (0..<16).map { $0 < 4 ? -0.05 : 0.002 }
        var settings = HardConcreteTrainer.Settings()
        settings.target = 0.25
        let trained = HardConcreteTrainer(settings).train(groups: 16, users: 8) { masks, random in
            masks.map { _ in weights.map { $0 + 0.02 * random.normal() } }
        }
        let mask = BernoulliGroups.largest(4, of: trained.gates.map(\.logAlpha))
        #expect(mask == (0..<16).map { $0 < 4 })
        #expect(trained.evaluations == 8 * settings.steps)
        #expect(trained.gates.prefix(4).allSatisfy { $0.openProbability > 0.9 })
        #expect(trained.gates.dropFirst(4).allSatisfy { $0.openProbability < 0.7 })
    }
}
