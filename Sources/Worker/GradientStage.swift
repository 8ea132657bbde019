import Blocking
import Meta
import ObjectStore
import Problem
import Queue
import Recipe
import Tensor

/// Computes the gradients that a meta-training asks of the cluster: objects in, one object a job out, and an outcome that names
/// it. No user's revision or pointer is touched.
struct GradientStage: Sendable {
    let queue: any QueueStore
    let store: any ObjectStore
    let threads: ComputeThreads
    let clock: StageClock
    let faults: FaultHandler
    /// A run's texts, and its parameters at one step each fold: every worker soon has met all of them.
    private let features = DigestShelf<Matrix>(limit: 2)
    private let parameters = DigestShelf<MetaParameters>(limit: 16)

    init(
        queue: any QueueStore, store: any ObjectStore, threads: ComputeThreads, clock: StageClock,
        faults: @escaping FaultHandler
    ) {
        (self.queue, self.store, self.threads) = (queue, store, threads)
        (self.clock, self.faults) = (clock, faults)
    }

    /// Works on one chunk and ends it.
    func work(_ chunk: ClaimedChunk) async throws -> (Delivery, PublishReport) {
        var reports: [JobReport] = []
        for job in chunk.jobs { reports.append(try await work(on: job, of: chunk)) }
        await faults(.afterUploadBeforePublish)
        let delivery = Delivery(chunks: [chunk.fence], reports: reports)
        let (report, _) = try await clock.time(.publish, users: { _ in 0 }) { try await queue.publish(delivery) }
        await faults(.afterPublish)
        return (delivery, report)
    }

    private func work(on job: ClaimedJob, of chunk: ClaimedChunk) async throws -> JobReport {
        let location = "\(chunk.tenant), job \(job.jobID)"
        let ((request, texts, values), fetched) = try await clock.time(.fetch, users: { _ in 0 }) {
            let request = try GradientRequest(decoding: job.payload ?? [], at: location)
            let texts = try await features.value(of: request.features) {
                try GradientFiles.features(
                    decoding: try await object(request.features, of: request, chunk), at: location)
            }
            let values = try await parameters.value(of: request.parameters) {
                try GradientFiles.parameters(
                    decoding: try await object(request.parameters, of: request, chunk, isFolds: true), at: location)
            }
            return (request, texts, values)
        }
        let ((bytes, sha256), computed) = try await clock.time(.adapt, users: { _ in 0 }) {
            try await threads.run { _ in
                let gradient = try request.gradient(values, features: texts, at: location)
                let bytes = GradientFiles.encode(gradient)
                return (bytes, Digest.sha256(bytes))
            }
        }
        await faults(.afterAdapt)
        let key = try ObjectKey(
            GradientFiles.key(prefix: chunk.keyPrefix, run: request.run, name: "\(chunk.fence.keyPart)-\(sha256)"))
        let (_, uploaded) = try await clock.time(.upload, users: { _ in 0 }) {
            try await store.put(bytes, at: key, sha256: sha256)
        }
        let measurements = Measurements(
            examples: Int32(clamping: request.episodes.reduce(0) { $0 + $1.support.count + $1.query.count }),
            fetchMilliseconds: fetched, adaptMilliseconds: computed, uploadMilliseconds: uploaded)
        return JobReport(job, .done(message: key.string, measurements))
    }

    /// An object of the run: under the tenant's own prefix, whatever the payload says, and only with the digest that it names.
    private func object(
        _ digest: String, of request: GradientRequest, _ chunk: ClaimedChunk, isFolds: Bool = false
    ) async throws -> [UInt8] {
        let name = isFolds ? "\(request.fold)-\(digest)" : digest
        let key = try ObjectKey(GradientFiles.key(prefix: chunk.keyPrefix, run: request.run, name: name))
        let bytes = try await store.get(key)
        guard Digest.sha256(bytes) == digest else {
            throw Problem(
                "digest_mismatch", at: key.string, "its bytes have another SHA-256 than its name says.",
                do: "start the meta-training again with --resume.")
        }
        return bytes
    }
}
