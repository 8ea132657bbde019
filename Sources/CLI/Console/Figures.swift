import Foundation

/// Numbers, spans and times as people read them.
enum Figures {
    /// `61,204`; on a terminal three digits from a million up: `10.2 M`.
    static func count(_ number: some BinaryInteger) -> String {
        let value = Int64(clamping: number)
        if Terminal.isOutputATerminal, value >= 1_000_000 {
            let millions = Double(value) / 1e6
            let places = millions >= 100 ? 0 : millions >= 10 ? 1 : 2
            return "\(fixed(millions, places)) M"
        }
        guard Terminal.isOutputATerminal else { return String(value) }
        var digits = String(value.magnitude)
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return (value < 0 ? "−" : "") + ([digits] + groups).joined(separator: ",")
    }

    /// `1 m 38 s`, `3 h 51 m`, `0.38 s`: the two largest units.
    static func span(seconds: Double) -> String {
        if seconds < 10 { return "\(fixed(seconds, seconds < 1 ? 2 : 1)) s" }
        let whole = Int(seconds.rounded())
        if whole < 60 { return "\(whole) s" }
        if whole < 3600 { return "\(whole / 60) m \(whole % 60) s" }
        if whole < 86_400 { return "\(whole / 3600) h \(whole % 3600 / 60) m" }
        return "\(whole / 86_400) d \(whole % 86_400 / 3600) h"
    }

    /// A limit as it was set: `300`, `0.8`.
    static func limit(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? count(Int64(value)) : String(format: "%g", value)
    }

    /// A number with a fixed count of decimals.
    static func fixed(_ value: Double, _ places: Int) -> String { String(format: "%.\(places)f", value) }

    /// A probability or score without the leading zero: `.83`.
    static func score(_ value: Double, _ places: Int = 2) -> String {
        let text = fixed(value, places)
        return text.hasPrefix("0.") ? String(text.dropFirst()) : text.replacing("-0.", with: "−.")
    }

    /// UTC time of day, `04:12:07`.
    static func time(_ date: Date) -> String {
        var style = Date.ISO8601FormatStyle(timeZone: .gmt)
        style = style.time(includingFractionalSeconds: false)
        return date.formatted(style)
    }

    /// UTC date and time of day, `2026-11-22 04:12:07`.
    static func dateAndTime(_ date: Date) -> String {
        var style = Date.ISO8601FormatStyle(timeZone: .gmt)
        style = style.year().month().day().dateTimeSeparator(.space).time(includingFractionalSeconds: false)
        return date.formatted(style)
    }

    /// The first eight digits of a digest, `9f2c01ab`.
    static func digest(_ digest: String) -> String { String(digest.prefix(8)) }

    /// A list of names that stays short: `acme, birch + 7`.
    static func names(_ names: [String]) -> String {
        guard !names.isEmpty else { return "–" }
        let shown = names.prefix(3).joined(separator: ", ")
        return names.count > 3 ? "\(shown) + \(names.count - 3)" : shown
    }
}
