import ArgumentParser
import Foundation
import Meta
import Model
import Recipe

extension MetaTrain {
    /// The stock recipes.
    enum Preset: String, ExpressibleByArgument, CaseIterable {
        /// A head over pooled features.
        case pooled
        /// Sparse deltas inside the encoder.
        case dsa
    }

    /// What learns the part inside the encoder.
    ///
    /// - Parameter sequences: token ids of the population's texts, in their order.
    /// - Throws: `too_few_users`.
    func sparseTrainer(
        _ population: MetaPopulation, _ sequences: [[Int32]], _ encoder: TextEncoder, at location: String
    ) throws -> SparseTrainer {
        var settings = SparseSettings()
        settings.outer.seed = seed
        if quick {
            (settings.outer.learnedFolds, settings.outer.maximumSteps, settings.outer.usersPerStep) = (1, 40, 16)
        }
        return try SparseTrainer(
            population, EncoderTexts(encoder.transformer, sequences, cache: PrefixCache(byteLimit: 2 << 30)),
            settings: settings, threads: ProcessInfo.processInfo.activeProcessorCount, at: location)
    }
}
