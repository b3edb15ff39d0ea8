import CommonAPI
import ExecutionAPI
import Foundation
import Primitives
import ServiceKit
import SwiftProtobuf

extension PBRun {
    /// - Parameter now: to this moment the duration of a running run counts.
    init(_ run: Run, now: Date) {
        self.init()
        id = run.id.description
        project = run.project.description
        kind = Kind(run.kind)
        state = State(run.state)
        counts = PBCounts(run.counts)
        incomplete = run.incomplete
        suite = run.suite?.description ?? ""
        name = run.name
        branch = run.branch
        commitSha = run.commit
        environment = run.environment
        if run.ci != Run.CI() { ci = PBCI(run.ci) }
        tags = run.tags
        triggeredBy = run.triggeredBy
        createdAt = Google_Protobuf_Timestamp(milliseconds: run.createdAt)
        if let time = run.startedAt { startedAt = Google_Protobuf_Timestamp(milliseconds: time) }
        if let time = run.finishedAt { finishedAt = Google_Protobuf_Timestamp(milliseconds: time) }
        if let duration = run.duration(now: now) { durationMs = duration.wholeMilliseconds }
        testDurationMs = run.testMicroseconds / 1000
        version = run.version
        lane = PBLane.Value(run.lane)
        if let time = run.importedAt { importedAt = Google_Protobuf_Timestamp(milliseconds: time) }
    }
}

extension Duration {
    var wholeMilliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}

extension PBCounts {
    init(_ counts: Counts) {
        self.init()
        total = Int64(counts.total)
        passed = Int64(counts.passed)
        failed = Int64(counts.failed)
        errored = Int64(counts.errored)
        skipped = Int64(counts.skipped)
        pending = Int64(counts.pending)
    }
}

extension PBCI {
    init(_ ci: Run.CI) {
        self.init()
        name = ci.name
        key = ci.key
        number = ci.number
        url = ci.url
        jobID = ci.jobID
        message = ci.message
    }
}

extension Run.CI {
    init(_ message: PBCI) {
        self.init(
            name: message.name, key: message.key, number: message.number, url: message.url, jobID: message.jobID, message: message.message)
    }
}

extension PBRun.State {
    init(_ state: Run.State) {
        switch state {
        case .queued: self = .queued
        case .running: self = .running
        case .passed: self = .passed
        case .failed: self = .failed
        case .error: self = .error
        case .cancelled: self = .cancelled
        case .timedOut: self = .timedOut
        }
    }
}

extension Run.State {
    /// - Returns: `nil` for unspecified.
    init?(_ message: PBRun.State, field: String) throws(Fault) {
        switch message {
        case .unspecified: return nil
        case .queued: self = .queued
        case .running: self = .running
        case .passed: self = .passed
        case .failed: self = .failed
        case .error: self = .error
        case .cancelled: self = .cancelled
        case .timedOut: self = .timedOut
        case .UNRECOGNIZED: throw .invalidField(field, "unknown", "The state is unknown.")
        }
    }
}

extension PBLane.Value {
    init(_ lane: Lane) {
        switch lane {
        case .trusted: self = .trusted
        case .untrusted: self = .untrusted
        }
    }
}

extension Lane {
    /// - Returns: `nil` for unspecified.
    init?(_ message: PBLane.Value, field: String) throws(Fault) {
        switch message {
        case .laneUnspecified: return nil
        case .trusted: self = .trusted
        case .untrusted: self = .untrusted
        case .UNRECOGNIZED: throw .invalidField(field, "unknown", "The lane is unknown.")
        }
    }
}

extension PBRun.Kind {
    init(_ kind: Run.Kind) {
        switch kind {
        case .upload: self = .upload
        case .suite: self = .suite
        }
    }
}

extension Run.Kind {
    /// - Returns: `nil` for unspecified.
    init?(_ message: PBRun.Kind, field: String) throws(Fault) {
        switch message {
        case .unspecified: return nil
        case .upload: self = .upload
        case .suite: self = .suite
        case .UNRECOGNIZED: throw .invalidField(field, "unknown", "The kind is unknown.")
        }
    }
}
