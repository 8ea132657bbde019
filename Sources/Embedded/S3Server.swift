import Foundation
import Glibc
import Problem

/// A private S3 server in a folder: Ceph radosgw over one monitor and one storage daemon, on loopback, needing no root.
///
/// Objects live in memory and are written to the folder on a clean stop. Settings that are not Ceph's defaults make it
/// start in seconds on one machine: no peering delays, one placement group a pool, no pool redundancy.
public struct S3Server: Sendable {
    /// The server's folder.
    public let folder: String
    /// Access key of the one account.
    public let accessKey: String
    private let secretKey: String

    /// Names the folder and the account's keys; nothing is started.
    public init(folder: String, accessKey: String, secretKey: String) {
        self.folder = folder
        self.accessKey = accessKey
        self.secretKey = secretKey
    }

    /// `http://127.0.0.1:PORT` of a server that was started at least once.
    public func endpoint() throws -> String { "http://127.0.0.1:\(try port())" }

    /// The process ids of storage daemon and gateway, for tests that kill them.
    public var processIDs: [Int32] { ["mon", "osd", "rgw"].compactMap { daemon($0).processID } }

    /// Starts the three daemons, makes the account, and waits until the gateway answers.
    public func start() throws {
        if daemon("rgw").processID != nil { return }
        let manager = FileManager.default
        for part in ["mon", "osd", "rgw", "log"] {
            try manager.createDirectory(atPath: "\(folder)/\(part)", withIntermediateDirectories: true)
        }
        let isNew = !manager.fileExists(atPath: "\(folder)/mon/store.db")
        if isNew {
            try "\(LoopbackPorts.free(consecutive: 3))\n".write(toFile: portFile, atomically: true, encoding: .utf8)
            try configuration(port: port()).write(toFile: "\(folder)/ceph.conf", atomically: true, encoding: .utf8)
            try makeMonitor(port: port())
        }
        try launch("mon", tool: "ceph-mon", ["-i", "a", "-f"])
        if isNew { try makeStorage() }
        try launch("osd", tool: "ceph-osd", ["-i", "0", "-f"])
        try launch("rgw", tool: "radosgw", ["-n", "client.rgw", "-f"])
        try waitUntilAnswering()
        if isNew {
            try Tool("radosgw-admin", package: "radosgw").run(
                conf + [
                    "-n", "client.rgw", "user", "create", "--uid=attune", "--display-name=attune",
                    "--access-key=\(accessKey)", "--secret-key=\(secretKey)",
                ])
        }
    }

    /// Stops the daemons; objects are kept in the folder.
    public func stop() throws {
        try daemon("rgw").end(with: SIGKILL, within: 1)
        try daemon("osd").end(with: SIGTERM, within: 10)
        try daemon("mon").end(with: SIGTERM, within: 5)
    }

    /// Kills the gateway alone, as a crash of the server that clients talk to; objects already acknowledged survive.
    public func killGateway() throws { try daemon("rgw").end(with: SIGKILL, within: 1) }

    private var conf: [String] { ["-c", "\(folder)/ceph.conf"] }
    private var portFile: String { "\(folder)/port" }

    private func port() throws -> Int {
        let text = try String(contentsOfFile: portFile, encoding: .utf8)
        guard let port = Int(text.split(whereSeparator: \.isNewline).first ?? "") else {
            throw Problem(
                "file_damaged", at: portFile, "does not hold a port.", do: "remove \(folder) and start again.")
        }
        return port
    }

    private func daemon(_ name: String) -> ServerProcess { ServerProcess(pidFile: "\(folder)/\(name).pid") }

    private func launch(_ name: String, tool: String, _ arguments: [String]) throws {
        if daemon(name).processID != nil { return }
        let package = tool == "radosgw" ? "radosgw" : tool
        let pid = try Tool(tool, package: package).start(conf + arguments, log: "\(folder)/log/\(name).out")
        try daemon(name).record(pid)
    }

    private func makeMonitor(port: Int) throws {
        let identity = try String(contentsOfFile: "\(folder)/fsid", encoding: .utf8)
        let keyring = "\(folder)/keyring"
        try Tool("monmaptool", package: "ceph-common").run([
            "--create", "--clobber", "--addv", "a", "[v2:127.0.0.1:\(port + 1),v1:127.0.0.1:\(port + 2)]", "--fsid",
            identity, "\(folder)/monmap",
        ])
        let key = try Tool("ceph-authtool", package: "ceph-common")
        let all = ["--cap", "mon", "allow *"]
        try key.run([keyring, "--gen-key", "--create-keyring", "-n", "mon."] + all)
        try key.run(
            [keyring, "--gen-key", "-n", "client.admin"] + all + ["--cap", "osd", "allow *", "--cap", "mgr", "allow *"])
        try key.run(
            [keyring, "--gen-key", "-n", "osd.0", "--cap", "mon", "allow profile osd", "--cap", "osd", "allow *"])
        try key.run([keyring, "--gen-key", "-n", "client.rgw"] + all + ["--cap", "osd", "allow *"])
        try Tool("ceph-mon", package: "ceph-mon").run(
            conf + ["-i", "a", "--mkfs", "--monmap", "\(folder)/monmap", "--keyring", keyring])
    }

    private func makeStorage() throws {
        let identity = UUID().uuidString.lowercased()
        try Tool("ceph", package: "ceph-common").run(conf + ["osd", "new", identity, "0"])
        try Tool("ceph-osd", package: "ceph-osd").run(conf + ["-i", "0", "--mkfs", "--osd-uuid", identity])
    }

    private func waitUntilAnswering() throws {
        let deadline = Date(timeIntervalSinceNow: 60)
        let curl = try Tool("curl", package: "curl")
        while Date() < deadline {
            if (try? curl.run(["-s", "-f", "-m", "2", "-o", "/dev/null", endpoint() + "/"])) != nil { return }
            guard daemon("rgw").processID != nil else { break }
            usleep(50_000)
        }
        let log = try String(contentsOfFile: "\(folder)/log/rgw.out", encoding: .utf8)
        throw Problem(
            "store_unavailable", at: try endpoint(), "radosgw did not answer within 60 s: \(log.suffix(400))",
            do: "read \(folder)/log; remove \(folder) to start clean.")
    }

    private func configuration(port: Int) throws -> String {
        let identity = UUID().uuidString.lowercased()
        try identity.write(toFile: "\(folder)/fsid", atomically: true, encoding: .utf8)
        return """
            [global]
            fsid = \(identity)
            mon_host = [v2:127.0.0.1:\(port + 1),v1:127.0.0.1:\(port + 2)]
            public_addr = 127.0.0.1
            cluster_addr = 127.0.0.1
            keyring = \(folder)/keyring
            osd_pool_default_size = 1
            osd_pool_default_min_size = 1
            mon_allow_pool_size_one = true
            osd_pool_default_pg_num = 1
            osd_pool_default_pgp_num = 1
            osd_pool_default_pg_autoscale_mode = off
            osd_crush_chooseleaf_type = 0
            mon_warn_on_insecure_global_id_reclaim_allowed = false
            log_file = \(folder)/log/$name.log
            run_dir = \(folder)
            admin_socket = \(folder)/$name.asok
            pid_file =
            mon_data = \(folder)/mon
            osd_data = \(folder)/osd
            rgw_data = \(folder)/rgw
            ms_bind_ipv6 = false
            setuser_match_path =
            paxos_propose_interval = 0.05
            paxos_min_wait = 0.02
            [osd]
            osd_objectstore = memstore
            memstore_device_bytes = 4294967296
            osd_op_num_threads_per_shard = 1
            osd_op_num_shards = 2
            osd_fast_shutdown = false
            osd_mon_shutdown_timeout = 0.3
            [client.rgw]
            rgw_frontends = beast endpoint=127.0.0.1:\(port) tcp_nodelay=1
            rgw_enable_usage_log = false
            rgw_thread_pool_size = 32
            rgw_run_sync_thread = false

            """
    }
}
