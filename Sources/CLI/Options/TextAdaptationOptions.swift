import ArgumentParser
import Blocking
import Foundation
import Meta
import Model
import Tensor

/// How a decoder is adapted to a text; what is not given is ``TextAdaptationSettings``'s.
struct TextAdaptationOptions: ParsableArguments {
    @Option(help: "Rank of the adapters (default: 8).") var rank: Int?
    @Option(help: "The numerator of the adapters' scale, alpha / rank (default: 16).") var alpha: Float?
    @Option(help: "How often a text is gone through (default: 4).") var epochs: Int?
    @Option(help: "AdamW's rate at the first step (default: 0.001).") var learningRate: Float?
    @Option(help: "What share of the trained change is kept (default: 0.5).") var keep: Float?
    @Option(help: "Tokens of a training window (default: 256).") var window: Int?
    @Option(help: "Windows of a step (default: 1).") var windows: Int?
    @Option(
        name: .customLong("place"),
        help: "A place with an adapter in every block (q k v o gate up down), again for each further one.",
        transform: TextAdaptationOptions.place)
    var places: [Site.Place] = []
    @Option(help: "Threads that compute (default: one a core).") var threads: Int?

    func validate() throws {
        for (name, value) in [("rank", rank), ("epochs", epochs), ("windows", windows), ("threads", threads)] {
            if let value, value < 1 { throw ValidationError("--\(name) is at least 1.") }
        }
        if let window, window < 2 { throw ValidationError("--window is at least 2.") }
        if let keep, !(keep > 0 && keep <= 1) { throw ValidationError("--keep is above 0 and at most 1.") }
        if let learningRate, !(learningRate > 0) { throw ValidationError("--learning-rate is above 0.") }
    }

    /// The settings.
    func settings() -> TextAdaptationSettings {
        var settings = TextAdaptationSettings()
        if let rank { settings.rank = rank }
        if let alpha { settings.alpha = alpha }
        if let epochs { settings.epochs = epochs }
        if let learningRate { settings.learningRate = learningRate }
        if let keep { settings.keptShare = keep }
        if let window { settings.windowTokens = window }
        if let windows { settings.windowsPerStep = windows }
        if !places.isEmpty { settings.places = places }
        return settings
    }

    /// The threads.
    func computeThreads() -> ComputeThreads {
        ComputeThreads(count: threads ?? ProcessInfo.processInfo.activeProcessorCount)
    }

    /// Reads and loads the base, which must be a decoder.
    func openDecoder(_ base: BaseOptions) throws -> LanguageModel {
        BLASLibrary.useOneThread()
        return try LanguageModel(BaseFolder.open(absolute(base.base)))
    }

    private static func place(_ name: String) throws -> Site.Place {
        guard let place = Site.Place(rawValue: name), place.isProjection else {
            throw ValidationError("'\(name)' is none of q, k, v, o, gate, up, down.")
        }
        return place
    }
}
