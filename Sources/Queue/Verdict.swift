/// How a report goes into the publish: one of the numbers that `attune.publish` names, with a delay where it runs again.
struct Verdict: Equatable {
    static let completed: Int16 = 1
    static let kept: Int16 = 2
    static let done: Int16 = 3
    static let discarded: Int16 = 6
    static let failed: Int16 = 7
    static let snoozed: Int16 = 8
    static let handedBack: Int16 = 9

    var code: Int16
    var dataThrough: Int64?
    var draft: RevisionDraft?
    var measurements: Measurements?
    var delayMilliseconds: Int64?
    var errorClass: String?
    var message: String?

    /// Messages are cut here, so that one failing kind cannot fill the log.
    static let messageLimit = 2000

    init(_ report: JobReport, _ policy: RetryPolicy) {
        switch report.result {
        case .completed(let draft, let measurements):
            (code, dataThrough) = (Self.completed, draft.dataThrough)
            (self.draft, self.measurements) = (draft, measurements)
        case .kept(let dataThrough, let measurements):
            (code, self.dataThrough, self.measurements) = (Self.kept, dataThrough, measurements)
        case .done(let message, let measurements):
            (code, self.measurements) = (Self.done, measurements)
            self.message = String(message.prefix(Self.messageLimit))
        case .failed(let errorClass, let message, let retryable):
            let failures = Int(report.job.tries) + 1
            let delay = retryable ? policy.delaySeconds(afterFailures: failures, seed: report.job.chunkID) : nil
            code = delay == nil ? Self.discarded : Self.failed
            delayMilliseconds = delay.map { Int64(($0 * 1000).rounded()) }
            (self.errorClass, self.message) = (errorClass, String(message.prefix(Self.messageLimit)))
        case .snoozed(let seconds, let reason):
            (code, message) = (Self.snoozed, String(reason.prefix(Self.messageLimit)))
            delayMilliseconds = Int64((min(max(seconds, 0), 86_400 * 365) * 1000).rounded())
        case .handedBack:
            code = Self.handedBack
        }
    }
}
