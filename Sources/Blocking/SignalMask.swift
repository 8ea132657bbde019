import Glibc

/// The signals that the calling thread does not take.
///
/// Threads of the cooperative pool block most signals, and a process started from one inherits that: it would never see
/// the SIGTERM that is to end it.
public enum SignalMask {
    /// Runs `body`, for example to start a process, with no signal blocked on this thread.
    public static func withNothingBlocked<Result>(_ body: () throws -> Result) rethrows -> Result {
        var none = sigset_t()
        var before = sigset_t()
        unsafe sigemptyset(&none)
        unsafe pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        return try body()
    }
}
