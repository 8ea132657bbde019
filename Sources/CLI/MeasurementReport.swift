import Foundation

/// What every measuring command prints with `--json`: where, what, with which settings, and the figures by stable names.
struct MeasurementReport<Config: Encodable, Tables: Encodable>: Encodable {
    var machine: MachineIdentity
    var build = BuildIdentity()
    var config: Config
    var figures: [String: Double]
    var tables: Tables

    init(config: Config, figures: [String: Double], tables: Tables) throws {
        machine = try MachineIdentity()
        self.config = config
        self.figures = figures
        self.tables = tables
    }

    /// The figures as a table a person can read, then the machine and build they hold for.
    func lines() -> [String] {
        var table = TextTable(.init(title: "FIGURE"), .init(title: "VALUE", alignment: .right))
        for (name, value) in figures.sorted(by: { $0.key < $1.key }) {
            table.rows.append([name, value.magnitude >= 1000 ? Figures.fixed(value, 0) : Figures.fixed(value, 4)])
        }
        let foot = [
            "", "\(machine.processor), \(machine.cores) cores, \(machine.memoryGiB) GiB, \(machine.system)",
            "attune \(build.version) \(build.configuration), Swift \(build.swift), OpenBLAS kernels \(build.kernels)",
        ]
        return table.lines(width: Terminal.width) + foot
    }
}
