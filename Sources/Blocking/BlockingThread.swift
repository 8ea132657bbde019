import Glibc

/// A thread of the operating system that runs one closure to its end.
enum BlockingThread {
    /// The closure, handed to the C entry point as one reference.
    private final class Start {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Starts a detached thread.
    ///
    /// The system refuses a thread only when the process has used up its limits; then no work could be done at all, so
    /// that is a precondition and not an error.
    static func start(_ body: @escaping @Sendable () -> Void) {
        let start = unsafe Unmanaged.passRetained(Start(body))
        var thread = pthread_t()
        let status = unsafe pthread_create(
            &thread, nil,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<Start>.fromOpaque(context).takeRetainedValue().body()
                return nil
            }, start.toOpaque())
        precondition(status == 0, "pthread_create failed with errno \(status): too many threads")
        pthread_detach(thread)
    }
}
