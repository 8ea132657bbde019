import Adapters
import Model
import Tensor
import Testing

@Suite struct AdaptedDecoderTests {
    @Test(
        "the losses of chosen tokens are the parts of all tokens' losses, and their mean a user what the user's loss is",
        arguments: ["tiny-gpt2", "tiny-llama"])
    func chosenTokens(model: String) throws {
        let transformer = try GoldenAdapters.transformer(model)
        let plan = AdapterPlan(transformer.configuration, [Site(.value, block: 1): LoRA(rank: 2, alpha: 4)])
        var decoder = AdaptedDecoder(transformer, plan, users: 2, tokens: 60, longest: 30)
        var random = RandomSource(seed: 3)
        for user in 0..<2 {
            let values = (0..<plan.parameterCount).map { _ in Float(0.3 * random.normal()) }
            decoder.bank.parameters.rows(user..<user + 1).copy(values.span)
        }
        let sequences = [30, 1, 12, 9].map { count in (0..<count).map { _ in Int32(random.index(below: 300)) } }
        let users = [0, 2, 4]
        let all = sequences.map { min(1, $0.count)..<$0.count }
        let whole = decoder.tokenLosses(sequences, predicted: all, sequencesOfUsers: users)
        #expect(whole.count == 29 + 0 + 11 + 8)
        let means = decoder.losses(sequences, sequencesOfUsers: users)
        #expect(abs(means[0] - whole[..<29].reduce(0, +) / 29) < 1e-5)
        #expect(abs(means[1] - whole[29...].reduce(0, +) / 19) < 1e-5)
        let some = decoder.tokenLosses(sequences, predicted: [20..<25, 1..<1, 1..<12, 9..<9], sequencesOfUsers: users)
        let exact = Array(whole[19..<24] + whole[29..<40])
        #expect(some.count == exact.count)
        for (mine, exact) in zip(some, exact) { #expect(abs(mine - exact) < 1e-5) }
    }
}
