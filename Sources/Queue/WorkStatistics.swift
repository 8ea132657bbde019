/// How many jobs ended how, and how long their stages took: what a worker adds to the figures with a heartbeat.
public struct WorkStatistics: Sendable, Equatable {
    /// What became of jobs; the number is the one in `attune.stat_delta.ending`.
    public enum Ending: Int16, Sendable, CaseIterable {
        /// Went into a retry chunk.
        case retried = 0
        case completed, kept, merged, covered, cancelled, discarded
    }

    /// What a sum is over.
    public struct Key: Sendable, Hashable {
        /// The tenant.
        public var tenantID: Int32
        /// The tenant's flow.
        public var flowID: Int32
        /// The kind of job, by name.
        public var kind: String
        /// What became of the jobs.
        public var ending: Ending

        /// Makes a key.
        public init(tenantID: Int32, flowID: Int32, kind: String, ending: Ending) {
            self.tenantID = tenantID
            self.flowID = flowID
            self.kind = kind
            self.ending = ending
        }
    }

    /// The sums of one key.
    public struct Line: Sendable, Equatable {
        /// Jobs.
        public var jobs: Int64 = 0
        /// Examples that they adapted on.
        public var examples: Int64 = 0
        /// Bytes stored for them.
        public var storedBytes: Int64 = 0
        /// Times of fetch, adapt, encode and upload, in that order.
        public var stages = [LatencyHistogram](repeating: LatencyHistogram(), count: 4)

        /// Nothing yet.
        public init() {}

        static func += (sum: inout Line, other: Line) {
            sum.jobs += other.jobs
            sum.examples += other.examples
            sum.storedBytes += other.storedBytes
            for index in sum.stages.indices { sum.stages[index] += other.stages[index] }
        }
    }

    /// Sums by key; none is of no job.
    public private(set) var lines: [Key: Line] = [:]

    /// Nothing yet.
    public init() {}

    /// Whether nothing was counted.
    public var isEmpty: Bool { lines.isEmpty }

    /// Jobs of an ending, over all tenants, flows and kinds.
    public func jobs(_ ending: Ending) -> Int64 {
        lines.reduce(0) { $0 + ($1.key.ending == ending ? $1.value.jobs : 0) }
    }

    /// Counts a line; one of no job is left out.
    public mutating func add(_ line: Line, _ key: Key) {
        guard line.jobs > 0 else { return }
        lines[key, default: Line()] += line
    }

    /// Adds everything that another has counted.
    public mutating func add(_ other: WorkStatistics) { for (key, line) in other.lines { add(line, key) } }
}

/// Counts of times by powers of two of a millisecond, and their sum.
public struct LatencyHistogram: Sendable, Equatable {
    /// Buckets of every histogram.
    public static let bucketCount = 20

    /// Bucket 0 holds 0 ms, bucket n from 2^(n-1) ms to below 2^n ms, the last one everything longer.
    public private(set) var buckets = [Int64](repeating: 0, count: bucketCount)
    /// Milliseconds summed over all that was counted.
    public private(set) var milliseconds: Int64 = 0

    /// Nothing yet.
    public init() {}

    /// The bucket of a time; a negative one counts as 0.
    public static func bucket(_ milliseconds: Int32) -> Int {
        guard milliseconds > 0 else { return 0 }
        return min(bucketCount - 1, Int32.bitWidth - milliseconds.leadingZeroBitCount)
    }

    /// Counts `count` things that took a time each.
    public mutating func add(_ milliseconds: Int32, count: Int64 = 1) {
        buckets[Self.bucket(milliseconds)] += count
        self.milliseconds += Int64(max(0, milliseconds)) * count
    }

    static func += (sum: inout LatencyHistogram, other: LatencyHistogram) {
        for index in sum.buckets.indices { sum.buckets[index] += other.buckets[index] }
        sum.milliseconds += other.milliseconds
    }
}

/// Figures that a worker reports at one time; sent again under the same number, they count once.
public struct StatisticsReport: Sendable, Equatable {
    /// Who reports.
    public var workerID: Int64
    /// Rises with each report of that worker.
    public var beat: Int64
    /// What it got done since the report before.
    public var statistics: WorkStatistics

    /// Makes a report.
    public init(workerID: Int64, beat: Int64, statistics: WorkStatistics) {
        self.workerID = workerID
        self.beat = beat
        self.statistics = statistics
    }
}
