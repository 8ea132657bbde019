import Evaluation
import Testing

@Suite struct SVGPlotTests {
    private var plot: SVGPlot {
        SVGPlot(
            title: "a < b", horizontal: "steps", vertical: "AUC", panels: ["one", "two"],
            ticks: [.init(x: 0, label: "0"), .init(x: 2, label: "10")],
            series: [
                .init(name: "first", points: [[.init(x: 0, y: 0.61), .init(x: 2, y: 0.66)], [.init(x: 1, y: 0.63)]]),
                .init(
                    name: "level", points: [[.init(x: 0, y: 0.6), .init(x: 1, y: .nan), .init(x: 2, y: 0.6)], []],
                    style: .level),
            ])
    }

    @Test("curves are joined, levels have no points, what is no number is left out, text is escaped")
    func draws() throws {
        let text = plot.text
        #expect(text.hasPrefix("<svg") && text.hasSuffix("</svg>\n") && text.contains("a &lt; b"))
        #expect(text.matches(of: /<polyline/).count == 2 && text.matches(of: /<circle/).count == 3)
        // The level, and its mark in the legend.
        #expect(text.matches(of: /stroke-dasharray/).count == 2)
        #expect(!text.contains("nan") && text.contains("prefers-color-scheme:dark"))
        #expect(text.matches(of: />10</).count == 2)
        // Round ticks from .60 to .66, once.
        for tick in ["0.60", "0.61", "0.66"] { #expect(text.split(separator: ">\(tick)<").count == 2, "\(tick)") }
    }

    @Test("the lowest value is drawn lowest")
    func isUpright() throws {
        let path = try #require(plot.text.firstMatch(of: /points="([\d.]+),([\d.]+) ([\d.]+),([\d.]+)"/))
        let numbers = [path.1, path.2, path.3, path.4].compactMap { Double($0) }
        #expect(numbers[0] < numbers[2] && numbers[1] > numbers[3])
    }

    @Test("nothing to draw is an empty plot")
    func empty() {
        let plot = SVGPlot(title: "", horizontal: "", vertical: "", panels: [], ticks: [], series: [])
        #expect(plot.text.hasPrefix("<svg") && !plot.text.contains("<circle"))
    }
}
