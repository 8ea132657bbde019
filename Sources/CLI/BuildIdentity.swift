import Foundation
import Tensor

/// What this binary is and where it runs, as `attune version` and every bench print it.
struct BuildIdentity: Codable {
    static let version = "0.1.0"

    var version = Self.version
    var configuration: String
    var swift: String
    var kernels = BLASLibrary.coreName

    init() {
        #if DEBUG
            configuration = "debug"
        #else
            configuration = "release"
        #endif
        #if compiler(>=6.4)
            swift = "6.4 or newer"
        #elseif compiler(>=6.3)
            swift = "6.3"
        #else
            swift = "older than 6.3"
        #endif
    }
}

/// The machine, for figures: a number without it says little.
struct MachineIdentity: Codable {
    var processor: String
    var cores: Int
    var memoryGiB: Int
    var system: String

    init() throws {
        let text = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
        let model = text.split(separator: "\n").first { $0.hasPrefix("model name") }
        processor = model?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown"
        cores = ProcessInfo.processInfo.activeProcessorCount
        memoryGiB = Int(ProcessInfo.processInfo.physicalMemory >> 30)
        system = ProcessInfo.processInfo.operatingSystemVersionString
    }
}
