import Adapters
import Artifacts
import Foundation
import Meta
package import ObjectStore
import Problem
package import Queue
import Recipe

/// A delivery as bytes and reports, ready to be uploaded and published.
package struct EncodedDelivery: Sendable {
    let chunks: [Fence]
    package var reports: [JobReport]
    /// Key, bytes and digest of the pack; nil when nobody got a revision.
    package var object: (key: ObjectKey, bytes: [UInt8], sha256: [UInt8])?
}

/// Turns an adapted delivery into one object and one publish transaction.
package struct DeliverStage: Sendable {
    let queue: any QueueStore
    let store: any ObjectStore
    let clock: StageClock
    let faults: FaultHandler

    package init(
        queue: any QueueStore, store: any ObjectStore, clock: StageClock, faults: @escaping FaultHandler
    ) {
        self.queue = queue
        self.store = store
        self.clock = clock
        self.faults = faults
    }

    /// Encodes, uploads, verifies and publishes; returns what was published and what came of it.
    package func deliver(_ adapted: AdaptedDelivery) async throws -> (Delivery, PublishReport) {
        await faults(.afterAdapt)
        let users = adapted.fetched.jobs.count
        let (encoded, encodeMilliseconds) = try await clock.time(.encode, users: { _ in users }) {
            try encode(adapted)
        }
        let (_, uploadMilliseconds) = try await clock.time(.upload, users: { _ in users }) {
            if let object = encoded.object {
                try await store.put(object.bytes, at: object.key, sha256: Digest.hexadecimal(object.sha256))
            }
        }
        await faults(.afterUploadBeforePublish)
        var delivery = Delivery(chunks: encoded.chunks, reports: encoded.reports)
        delivery.object = encoded.object.map {
            DeliveredObject(key: $0.key.string, sha256: $0.sha256, byteCount: Int64($0.bytes.count))
        }
        for index in delivery.reports.indices {
            delivery.reports[index].result.setMilliseconds(encode: encodeMilliseconds, upload: uploadMilliseconds)
        }
        let (report, _) = try await clock.time(.publish, users: { _ in users }) {
            try await queue.publish(delivery)
        }
        await faults(.afterPublish)
        return (delivery, report)
    }

    /// The pack and one report a job; a user whose data could not be used is reported as failed for good.
    package func encode(_ adapted: AdaptedDelivery) throws -> EncodedDelivery {
        let fetched = adapted.fetched
        let chunk = fetched.chunks[0]
        var encoded = EncodedDelivery(chunks: fetched.chunks.map(\.fence), reports: [])
        encoded.reports = fetched.refused.map { job, problem in
            JobReport(
                job,
                .failed(
                    errorClass: problem.errorClass, message: "\(problem.reason) do: \(problem.remedy)",
                    retryable: problem.isRetryable))
        }
        var pack = PackWriter(
            provenance: AdapterProvenance(baseDigest: chunk.baseDigest, recipeDigest: fetched.recipe.digest),
            width: fetched.recipe.recipe.width)
        var isEmpty = true
        for (user, adaptation) in zip(fetched.users, adapted.adaptations) {
            var measurements = measure(adaptation, adapted)
            guard let delta = adaptation.delta else {
                encoded.reports.append(JobReport(user.job, .kept(dataThrough: user.dataThrough, measurements)))
                continue
            }
            isEmpty = false
            let entry = pack.add(delta, uid: user.job.uid)
            measurements.storedBytes = entry.storedByteCount
            let draft = RevisionDraft(
                dataThrough: user.dataThrough, offset: entry.offset, length: entry.length, sha256: entry.sha256)
            encoded.reports.append(JobReport(user.job, .completed(draft, measurements)))
        }
        if !isEmpty {
            let (bytes, sha256) = pack.finish()
            let key = ArtifactKey(
                prefix: chunk.keyPrefix, chunkID: chunk.fence.chunkID, attempt: chunk.fence.attempt,
                token: chunk.fence.token, sha256: Digest.hexadecimal(sha256))
            encoded.object = (try ObjectKey(key.text), bytes, sha256)
        }
        return encoded
    }

    /// The guard's losses where it judged, else the support's own.
    private func measure(_ adaptation: Adaptation<UserDelta>, _ adapted: AdaptedDelivery) -> Measurements {
        Measurements(
            examples: Int32(adaptation.examples), steps: Int16(clamping: adaptation.steps),
            rows: Int16(clamping: adaptation.rows),
            lossBefore: adaptation.leaveOut?.start ?? adaptation.lossBefore,
            lossAfter: adaptation.leaveOut?.adapted ?? adaptation.lossAfter,
            fetchMilliseconds: adapted.fetched.fetchMilliseconds, adaptMilliseconds: adapted.adaptMilliseconds)
    }
}

extension JobResult {
    /// Adds what is known only once the object is stored.
    fileprivate mutating func setMilliseconds(encode: Int32, upload: Int32) {
        switch self {
        case .completed(let draft, var measurements):
            measurements.encodeMilliseconds = encode
            measurements.uploadMilliseconds = upload
            self = .completed(draft, measurements)
        case .kept(let dataThrough, var measurements):
            measurements.encodeMilliseconds = encode
            measurements.uploadMilliseconds = upload
            self = .kept(dataThrough: dataThrough, measurements)
        case .done, .failed, .snoozed, .handedBack: break
        }
    }
}
