import ArgumentParser
import Foundation

/// A time on the command line: how long ago (`90s`, `5m`, `2h`, `3d`) or when (`2026-11-22T04:00:00Z`).
enum PointInTime: ExpressibleByArgument, Equatable {
    case ago(seconds: Double)
    case at(Date)

    init?(argument: String) {
        if let match = argument.wholeMatch(of: /(\d{1,9})([smhd])/), let count = Double(match.1) {
            let unit: [Substring: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
            self = .ago(seconds: count * (unit[match.2] ?? 1))
            return
        }
        do { self = .at(try Date(argument, strategy: .iso8601)) } catch { return nil }
    }

    /// The time meant by someone who spoke at `now`.
    func date(before now: Date) -> Date {
        switch self {
        case .ago(let seconds): now.addingTimeInterval(-seconds)
        case .at(let date): date
        }
    }
}
