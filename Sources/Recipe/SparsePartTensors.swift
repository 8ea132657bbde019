import Adapters
import Foundation
import Meta
import Model
import Problem
import Safetensors
import Tensor

/// How the part inside the encoder lies in a recipe's file; see the table of ``Recipe``.
extension SparsePart {
    private enum Name {
        static let rows = "sparse.rows"
        static let columns = "sparse.columns"
        static let scales = "sparse.scales"
        static let groups = "sparse.groups"
        static let start = "sparse.start"
        static let logRates = "sparse.log_rates"
        static let supportExponent = "sparse.support_exponent"
    }

    /// What the metadata say of it, as JSON under `sparse`.
    private struct Fields: Codable {
        var site: String
        var inputs: Int
        var outputs: Int
        var groups: Int
        var keptGroups: Int
        var entryBits: UInt8
        var headBits: UInt8
        var entryBudget: Int?
    }

    /// Channels that a site may have.
    private static let channels = 1...1_000_000

    func write(to writer: inout SafetensorsWriter) {
        writer.add(Name.rows, shape: [support.count], int32s: support.rows)
        writer.add(Name.columns, shape: [support.count], int32s: support.columns)
        writer.add(Name.scales, shape: [support.count], floats: support.scales)
        writer.add(Name.groups, shape: [support.count], int32s: storage.groups.groupOfEntry.map { Int32($0) })
        writer.add(Name.start, shape: [start.count], floats: start)
        writer.add(Name.logRates, shape: [logRates.count, Self.ratesOfStep], floats: logRates.flatMap(\.self))
        writer.add(Name.supportExponent, shape: [1], floats: [supportExponent])
    }

    /// The metadata entry.
    func metadata(_ encoder: JSONEncoder) throws -> String {
        let fields = Fields(
            site: site.description, inputs: support.inputs, outputs: support.outputs, groups: storage.groups.count,
            keptGroups: storage.keptGroups, entryBits: storage.entries.rawValue, headBits: storage.head.rawValue,
            entryBudget: entryBudget)
        return String(decoding: try encoder.encode(fields), as: UTF8.self)
    }

    /// Reads and checks the part of a recipe of so many features; nil where it has none.
    init?(reading file: SafetensorsFile, width: Int) throws {
        guard let stated = file.metadata["sparse"] else {
            guard !file.contains(Name.rows) else {
                throw Recipe.malformed(file.name, "it has entries inside the encoder and does not say where.")
            }
            return nil
        }
        func require(_ holds: Bool, _ reason: @autoclosure () -> String) throws(Problem) {
            guard holds else { throw Recipe.malformed(file.name, reason()) }
        }
        let fields: Fields
        do { fields = try JSONDecoder().decode(Fields.self, from: Data(stated.utf8)) } catch {
            throw Recipe.malformed(
                file.name, "what it says of the encoder does not read: \(Problem.excerpt("\(error)", limit: 400)).")
        }
        guard let entryPrecision = SparseUserDelta.Precision(rawValue: fields.entryBits),
            let headPrecision = SparseUserDelta.Precision(rawValue: fields.headBits)
        else {
            throw Problem(
                "recipe_newer", at: file.name, "users' values have \(fields.entryBits) and \(fields.headBits) bits.",
                do: "install a newer attune.")
        }
        guard let site = Site(name: fields.site) else {
            throw Recipe.malformed(file.name, "\(Problem.excerpt(fields.site)) is no place in an encoder.")
        }
        try require(
            Self.channels.contains(fields.inputs) && Self.channels.contains(fields.outputs),
            "a site of \(fields.inputs) and \(fields.outputs) channels.")
        let rows = try file.int32s(of: Name.rows)
        let (count, shape) = (rows.count, [rows.count])
        let columns = try file.int32s(of: Name.columns, shape: shape)
        let scales = try file.floats(of: Name.scales, shape: shape)
        let groupOfEntry = try file.int32s(of: Name.groups, shape: shape)
        let start = try file.floats(of: Name.start, shape: [count + width + 1])
        let logRates = try file.floats(of: Name.logRates)
        let exponent = try file.floats(of: Name.supportExponent, shape: [1])[0]
        try require(count > 0, "its delta has no entries.")
        for (index, (row, column)) in zip(rows, columns).enumerated() {
            try require(
                (0..<Int32(fields.inputs)).contains(row) && (0..<Int32(fields.outputs)).contains(column),
                "entry \(index) is outside [\(fields.inputs), \(fields.outputs)].")
            try require(
                index == 0 || (rows[index - 1], columns[index - 1]) < (row, column), "entry \(index) is not in order.")
        }
        try require(
            (1...count).contains(fields.groups) && groupOfEntry.allSatisfy { (0..<Int32(fields.groups)).contains($0) },
            "\(count) entries in \(fields.groups) groups, or one in another.")
        try require(
            (0...fields.groups).contains(fields.keptGroups), "\(fields.keptGroups) of \(fields.groups) groups are kept."
        )
        try require(
            fields.entryBudget.map { (0...count).contains($0) } ?? true,
            "a budget of \(fields.entryBudget ?? 0) of \(count) entries.")
        try require(
            !logRates.isEmpty && logRates.count % Self.ratesOfStep == 0, "\(logRates.count) rates, not three a step.")
        try require(
            (start + scales + logRates + [exponent]).allSatisfy { $0.isFinite },
            "a number inside the encoder is not finite.")
        self.init(
            site: site,
            support: SparseSupport(
                inputs: fields.inputs, outputs: fields.outputs, rows: rows, columns: columns, scales: scales),
            storage: SparseStorage(
                groups: EntryGroups(count: fields.groups, groupOfEntry: groupOfEntry.map { Int($0) }),
                keptGroups: fields.keptGroups, entries: entryPrecision, head: headPrecision), start: start,
            logRates: stride(from: 0, to: logRates.count, by: Self.ratesOfStep).map {
                Array(logRates[$0..<$0 + Self.ratesOfStep])
            }, supportExponent: exponent, entryBudget: fields.entryBudget)
    }
}
