/// A table of columns aligned by their widest cell; drops columns from the right until a row fits, never wraps.
struct TextTable {
    enum Alignment { case left, right }

    struct Column {
        var title: String
        var alignment: Alignment = .left
    }

    var columns: [Column]
    var rows: [[String]] = []

    init(_ columns: Column...) { self.columns = columns }

    /// The lines, at most `width` columns wide (nil = as wide as needed); the first column always stays.
    func lines(width: Int?) -> [String] {
        let cells = [columns.map(\.title)] + rows
        var widths = columns.indices.map { column in cells.map { visibleWidth($0[column]) }.max() ?? 0 }
        if let width {
            while widths.count > 1, widths.reduce(0, +) + 2 * (widths.count - 1) > width { widths.removeLast() }
        }
        return cells.map { row in
            let padded = widths.indices.map { column in
                let gap = String(repeating: " ", count: widths[column] - visibleWidth(row[column]))
                return columns[column].alignment == .right ? gap + row[column] : row[column] + gap
            }
            var line = padded.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
    }

    /// Characters a terminal shows: colour sequences take no place.
    private func visibleWidth(_ text: String) -> Int { text.replacing(/\u{1B}\[[0-9;]*m/, with: "").count }
}

extension TextTable {
    /// Prints the table; without rows, says on standard error what would put some there.
    func show(whenEmpty advice: String) {
        guard !rows.isEmpty else { return Terminal.note(advice) }
        for line in lines(width: Terminal.width) { Terminal.output(line) }
    }
}
