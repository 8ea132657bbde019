/// Something that happens to a deployment, from outside, whatever it is doing.
public enum Fault: Sendable, Equatable, Codable {
    /// SIGKILL; it is started again a moment later.
    case killWorker(Int)
    /// SIGKILL of a scheduler, leading or standing by.
    case killScheduler(Int)
    /// SIGSTOP, and SIGCONT after longer than a lease.
    case pauseWorker(Int, seconds: Double)
    /// SIGSTOP of a scheduler: it comes back not knowing that it was deposed.
    case pauseScheduler(Int, seconds: Double)
    /// A TCP reset of every connection that a client has to PostgreSQL.
    case cutDatabase(Client)
    /// Not a byte passes between a client and PostgreSQL for a time.
    case stallDatabase(Client, seconds: Double)
    /// The server does what a statement says, and the client sees a broken connection instead of the reply.
    case loseReply(Client, to: Effect)
    /// A worker's next object is stored, and the worker hears nothing of it.
    case losePutReply(worker: Int)
    /// A worker's next object is cut off in its middle.
    case cutPut(worker: Int)
    /// The store answers a worker's next requests with a status, having done nothing.
    case refuseStore(worker: Int, status: Int, requests: Int)
    /// Not a byte passes between a worker and the store for a time.
    case stallStore(worker: Int, seconds: Double)
    /// SIGKILL of the S3 gateway, and a new one.
    case killStore
    /// Not a byte more fits on PostgreSQL's disk for a time.
    case fillDisk(seconds: Double)
    /// SIGKILL of the postmaster: what was committed asynchronously and not yet written is gone.
    case crashPostgres
    /// An immediate stop and a start.
    case restartPostgres
    /// A worker's clock jumps.
    case moveClock(worker: Int, bySeconds: Int)
    /// A session holds a snapshot open: nothing that dies meanwhile can be vacuumed.
    case pinHorizon(seconds: Double)

    /// Who connects to PostgreSQL.
    public enum Client: Sendable, Equatable, Hashable, Codable {
        case worker(Int), scheduler(Int), producers, operators
    }

    /// What a statement does whose reply may get lost, by the text that gives it away.
    public enum Effect: String, Sendable, CaseIterable, Codable {
        case publish = "attune.publish("
        case claim = "attune.claim("
        case heartbeat = "attune.heartbeat("
        case moveLanes = "attune.move_lanes("
        case rescue = "attune.rescue("
        case enqueue = "attune.enqueue("
        case commit = "COMMIT"

        /// Whether workers, schedulers or producers say it.
        var speaker: Speaker {
            switch self {
            case .publish, .claim, .heartbeat: .worker
            case .moveLanes, .rescue: .scheduler
            case .enqueue, .commit: .producers
            }
        }
    }

    enum Speaker { case worker, scheduler, producers }

    /// The name that counts are kept under.
    public enum Kind: String, Sendable, CaseIterable, Codable {
        case killWorker, killScheduler, pauseWorker, pauseScheduler, cutDatabase, stallDatabase, loseReply, losePutReply
        case cutPut, refuseStore, stallStore, killStore, fillDisk, crashPostgres, restartPostgres, moveClock, pinHorizon

        /// How often it comes relative to the others: the cheap and telling ones more often.
        var weight: Int {
            switch self {
            case .killWorker: 36
            case .pauseWorker, .loseReply: 30
            case .cutDatabase: 28
            case .stallDatabase, .losePutReply, .refuseStore: 22
            case .killScheduler, .cutPut, .stallStore, .moveClock: 15
            case .pauseScheduler: 10
            case .pinHorizon: 8
            case .crashPostgres: 7
            case .killStore, .fillDisk: 6
            case .restartPostgres: 5
            }
        }
    }

    /// The name that counts are kept under.
    public var kind: Kind {
        switch self {
        case .killWorker: .killWorker
        case .killScheduler: .killScheduler
        case .pauseWorker: .pauseWorker
        case .pauseScheduler: .pauseScheduler
        case .cutDatabase: .cutDatabase
        case .stallDatabase: .stallDatabase
        case .loseReply: .loseReply
        case .losePutReply: .losePutReply
        case .cutPut: .cutPut
        case .refuseStore: .refuseStore
        case .stallStore: .stallStore
        case .killStore: .killStore
        case .fillDisk: .fillDisk
        case .crashPostgres: .crashPostgres
        case .restartPostgres: .restartPostgres
        case .moveClock: .moveClock
        case .pinHorizon: .pinHorizon
        }
    }
}
