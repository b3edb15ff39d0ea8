import Foundation
import Logging
import Metrics
import Primitives

/// Keeping what is under way, and collecting what others have lost.
extension ExecuteCases {
    func renew() async {
        let held = Set(executing.keys).union(finished.map(\.claimed.fence)).union(recording)
        guard !held.isEmpty else { return }
        do {
            let renewed = try await queue.renew(held, worker: worker)
            // What is being recorded may have left the queue meanwhile; what is still under way must not have.
            for fence in held.subtracting(renewed) { lose(fence) }
        } catch {
            logger.warning("leases cannot be renewed", metadata: ["error": "\(error)"])
        }
    }

    private func lose(_ fence: Fence) {
        guard let task = executing.removeValue(forKey: fence) else { return }
        task.cancel()
        Counter(label: "assay_execution_lease_losses").increment()
        logger.warning("a lease is lost", metadata: ["run": "\(fence.run)", "case": "\(fence.id)", "epoch": "\(fence.epoch)"])
        released()
    }

    /// Ends runs whose time is up. Every worker looks; whoever comes second finds that it was said before.
    func endOverdue() async {
        do {
            for (run, tenant) in try await queue.overdue() { await endOverdue(run, tenant) }
        } catch {
            logger.warning("overdue runs cannot be looked for", metadata: ["error": "\(error)"])
        }
    }

    /// One that cannot be ended must not keep the others from it.
    private func endOverdue(_ run: ID<Run>, _ tenant: ID<Tenant>) async {
        do {
            _ = try await record.end(run, early: .timedOut, tenant: tenant)
        } catch let fault as Fault where fault.code == "runs.already_finished" {
        } catch {
            logger.warning("an overdue run cannot be ended", metadata: ["run": "\(run)", "error": "\(error)"])
        }
    }

    /// Every worker does this for all of them: the one that died cannot.
    func reap() async {
        do {
            let requeued = try await queue.requeueExpired()
            if requeued > 0 { logger.warning("expired leases went back into the queue", metadata: ["cases": "\(requeued)"]) }
            let lost = try await queue.claimLost(worker: worker)
            guard !lost.isEmpty else { return }
            logger.error("cases were lost three times and are given up", metadata: ["cases": "\(lost.count)"])
            finished += lost.map { FinishedCase(claimed: $0, verdict: .infraLost, startedAt: Date(), microseconds: 0) }
            recordable.raise()
        } catch {
            logger.warning("expired leases cannot be collected", metadata: ["error": "\(error)"])
        }
    }
}
