import Foundation

/// Panels of curves side by side as one SVG: axes with ticks and units, one legend, colours that read on light and on dark.
package struct SVGPlot: Sendable, Equatable {
    /// One curve, the same in every panel.
    package struct Series: Sendable, Equatable {
        /// As the legend says it.
        package var name: String
        /// Of each panel, points in the plot's units; none: it is not in that panel.
        package var points: [[Point]]
        package var style: Style

        package init(name: String, points: [[Point]], style: Style = .curve) {
            (self.name, self.points, self.style) = (name, points, style)
        }
    }

    /// How a curve is drawn.
    package enum Style: Sendable, Equatable {
        /// Points, joined.
        case curve
        /// The same, heavier: the one that the plot is about.
        case emphasised
        /// Dashes without points: what stands the same everywhere.
        case level
    }

    /// A point in the plot's units.
    package struct Point: Sendable, Equatable {
        package var x: Double
        package var y: Double

        package init(x: Double, y: Double) { (self.x, self.y) = (x, y) }
    }

    /// A mark on the horizontal axis.
    package struct Tick: Sendable, Equatable {
        package var x: Double
        package var label: String

        package init(x: Double, label: String) { (self.x, self.label) = (x, label) }
    }

    package var title: String
    package var horizontal: String
    package var vertical: String
    /// One title a panel.
    package var panels: [String]
    package var ticks: [Tick]
    package var series: [Series]

    package init(
        title: String, horizontal: String, vertical: String, panels: [String], ticks: [Tick], series: [Series]
    ) {
        (self.title, self.horizontal, self.vertical) = (title, horizontal, vertical)
        (self.panels, self.ticks, self.series) = (panels, ticks, series)
    }

    private static let panelSize = (width: 250.0, height: 400.0)
    private static let margin = (left: 56.0, top: 58.0, bottom: 50.0, gap: 18.0)
    private static let legendWidth = 200.0
    /// Of middling lightness. Levels are counted for themselves: dashes tell them from curves of the same colour.
    private static let colours = [
        "#d1495b", "#2e86ab", "#3a9d5d", "#c77d0a", "#8e5bc0", "#0f9c9c", "#8a6d3b", "#d26ac2", "#7f9a1f", "#4b6cb7",
        "#e07a5f", "#808080",
    ]

    /// The document.
    package var text: String {
        let bounds = verticalBounds
        let width =
            Self.margin.left + Double(panels.count) * (Self.panelSize.width + Self.margin.gap) + Self.legendWidth
        let height = Self.margin.top + Self.panelSize.height + Self.margin.bottom
        var lines = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(number(width)) \(number(height))\" "
                + "width=\"\(number(width))\" height=\"\(number(height))\" role=\"img\" "
                + "font-family=\"system-ui, sans-serif\" font-size=\"12\">",
            "<title>\(Self.escaped(title))</title>",
            "<style>text{fill:#333}.axis{stroke:#777}.grid{stroke:#999;stroke-opacity:.25}.back{fill:#fff}"
                + "@media (prefers-color-scheme:dark){text{fill:#ddd}.axis{stroke:#aaa}.back{fill:#16181c}}</style>",
            "<rect class=\"back\" width=\"100%\" height=\"100%\"/>",
            label(title, x: Self.margin.left, y: 22, anchor: "start", size: 15),
        ]
        for panel in panels.indices { lines += self.panel(panel, bounds) }
        lines.append(
            "<text transform=\"translate(14 \(number(Self.margin.top + Self.panelSize.height / 2))) rotate(-90)\" "
                + "text-anchor=\"middle\">\(Self.escaped(vertical))</text>")
        lines += legend(x: width - Self.legendWidth + 6)
        return (lines + ["</svg>", ""]).joined(separator: "\n")
    }

    /// From below the least value to above the largest, at round numbers.
    private var verticalBounds: (low: Double, high: Double, step: Double) {
        let values = series.flatMap { $0.points.joined().map(\.y) }.filter(\.isFinite)
        let (low, high) = (values.min() ?? 0, values.max() ?? 1)
        // A hair less, so that eight round steps stay eight.
        let raw = max(high - low, 1e-6) / 8 * (1 - 1e-9)
        let magnitude = Foundation.pow(10, Foundation.floor(Foundation.log10(raw)))
        let step = ([1, 2, 5, 10].first { $0 * magnitude >= raw } ?? 10) * magnitude
        let bottom = (low / step).rounded(.down) * step
        return (bottom, max((high / step).rounded(.up) * step, bottom + step), step)
    }

    private func x(_ value: Double, _ panel: Int) -> Double {
        let (first, last) = (ticks.first?.x ?? 0, ticks.last?.x ?? 1)
        let share = (value - first) / max(last - first, 1e-9)
        let inset = 10.0
        return Self.margin.left + Double(panel) * (Self.panelSize.width + Self.margin.gap) + inset
            + share * (Self.panelSize.width - 2 * inset)
    }

    private func y(_ value: Double, _ bounds: (low: Double, high: Double, step: Double)) -> Double {
        let share = (value - bounds.low) / (bounds.high - bounds.low)
        return Self.margin.top + (1 - share) * Self.panelSize.height
    }

    private func panel(_ panel: Int, _ bounds: (low: Double, high: Double, step: Double)) -> [String] {
        let left = Self.margin.left + Double(panel) * (Self.panelSize.width + Self.margin.gap)
        let right = left + Self.panelSize.width
        let bottom = Self.margin.top + Self.panelSize.height
        var lines = [label(panels[panel], x: (left + right) / 2, y: Self.margin.top - 10, anchor: "middle", size: 13)]
        for index in 0...Int(((bounds.high - bounds.low) / bounds.step).rounded()) {
            let value = bounds.low + Double(index) * bounds.step
            let place = y(value, bounds)
            lines.append(line("grid", left, place, right, place))
            guard panel == 0 else { continue }
            let digits = bounds.step < 0.01 ? 3 : 2
            lines.append(
                label(String(format: "%.\(digits)f", value), x: left - 6, y: place + 4, anchor: "end", size: 11))
        }
        for tick in ticks {
            let place = x(tick.x, panel)
            lines.append(line("axis", place, bottom, place, bottom + 4))
            lines.append(label(tick.label, x: place, y: bottom + 17, anchor: "middle", size: 11))
        }
        lines.append(line("axis", left, bottom, right, bottom))
        lines.append(line("axis", left, Self.margin.top, left, bottom))
        lines.append(label(horizontal, x: (left + right) / 2, y: bottom + 36, anchor: "middle", size: 12))
        for (index, curve) in series.enumerated() { lines += draw(curve, index, panel, bounds) }
        return lines
    }

    private func draw(
        _ curve: Series, _ index: Int, _ panel: Int, _ bounds: (low: Double, high: Double, step: Double)
    ) -> [String] {
        let places = curve.points[panel].filter(\.y.isFinite).map { (x($0.x, panel), y($0.y, bounds)) }
        var lines: [String] = []
        if places.count > 1 {
            let path = places.map { "\(number($0.0)),\(number($0.1))" }.joined(separator: " ")
            lines.append("<polyline points=\"\(path)\" fill=\"none\" \(stroke(index))/>")
        }
        guard curve.style != .level else { return lines }
        let radius = curve.style == .emphasised ? 3.5 : 2.5
        return lines
            + places.map {
                "<circle cx=\"\(number($0.0))\" cy=\"\(number($0.1))\" r=\"\(number(radius))\" "
                    + "fill=\"\(colour(index))\"/>"
            }
    }

    /// Each kind begins at the first colour, levels after it: the first curve's is nobody else's.
    private func colour(_ index: Int) -> String {
        let isLevel = series[index].style == .level
        let place = series[..<index].count { ($0.style == .level) == isLevel } + (isLevel ? 1 : 0)
        return Self.colours[place % Self.colours.count]
    }

    private func stroke(_ index: Int) -> String {
        "stroke=\"\(colour(index))\" stroke-width=\"\(series[index].style == .emphasised ? 3 : 1.5)\""
            + (series[index].style == .level ? " stroke-dasharray=\"6 3\"" : "")
    }

    private func legend(x left: Double) -> [String] {
        series.indices.flatMap { index in
            let place = Self.margin.top + 8 + Double(index) * 18
            return [
                "<line x1=\"\(number(left))\" y1=\"\(number(place))\" x2=\"\(number(left + 24))\" "
                    + "y2=\"\(number(place))\" \(stroke(index))/>",
                label(series[index].name, x: left + 30, y: place + 4, anchor: "start", size: 12),
            ]
        }
    }

    private func line(_ kind: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
        "<line class=\"\(kind)\" x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" y2=\"\(number(y2))\"/>"
    }

    private func label(_ text: String, x: Double, y: Double, anchor: String, size: Int) -> String {
        "<text x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\" font-size=\"\(size)\">"
            + "\(Self.escaped(text))</text>"
    }

    private func number(_ value: Double) -> String { String(format: "%.1f", value) }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;")
    }
}
