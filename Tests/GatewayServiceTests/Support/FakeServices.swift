import Audit
import CommonAPI
import ExecutionAPI
import Foundation
import GRPCCore
import Primitives
import ProjectsAPI
import ServiceKit
import SwiftProtobuf
import Synchronization

@testable import GatewayService

/// What stands behind the gateway in its tests: real RPC servers whose handlers remember what they were asked and answer as they are told.
final class FakeServices: Sendable {
    struct Seen: Sendable {
        var callers: [Caller] = []
        var runs: [PBStartRunRequest] = []
        var cancelled: [String] = []
        var lists: [PBListRunsRequest] = []
        var resolved: [String] = []
        var uploads: [[PBUploadPart]] = []
        var artifacts: [[PBArtifactPart]] = []
        var made = 0
        /// Streams of `run_flood` that have come to their end, by themselves or because nobody listened any more.
        var floods = 0
        var versions: [Int64] = []
        /// Seconds for which runs were waited for.
        var waits: [Int32] = []
    }

    /// What is thrown by the next calls of `startRun`, one each, after the run was "made" under its key.
    struct Plan: Sendable {
        var faults: [Fault] = []
        var runsByKey: [String: String] = [:]
        var gate: AsyncStream<Void>?
        var uploadFault: Fault?
        /// How long the service takes for an upload once it has all of it.
        var uploadPause = Duration.zero
        var artifact = PBArtifact()
        var content = Data()
        /// What Execution says an organization has.
        var held: Result<Quotas.Held, Fault> = .success(Quotas.Held(runningTests: 0, storageBytes: 0, storageFiles: 0))
    }

    let seen = Mutex(Seen())
    let plan = Mutex(Plan())
    let rules = FakeRules()
    let failureGroups = FakeFailureGroups()
    let judgings = FakeJudgings()
    let lessons = FakeLessons()
    let quarantines = FakeQuarantines()
    let quarantineChecks = FakeQuarantineChecks()
    let verdicts = FakeTestVerdicts()
    let incidents = FakeIncidents()
    let baselines = FakeBaselines()
    let regressionVerdicts = FakeRegressionVerdicts()
    let retries = FakeRetries()
    let failureVerdicts = FakeVerdicts()
    let secrets = FakeSecrets()
    let logPatterns = FakeLogPatterns()
    let logVerdicts = FakeLogVerdicts()
    let revision = FakeRevision()
    let levelVerdicts = FakeLevelVerdicts()
    let trends: FakeTrends
    init() { trends = FakeTrends(revision: revision, verdicts: levelVerdicts) }

    static let project = ID<GatewayProject>.new()

    /// Stands for Projects' own subject.
    enum GatewayProject: Identified { static let idPrefix = "prj" }

    /// The fakes make nothing, so there is nothing to audit.
    func record(_ change: (inout Seen) -> Void) {
        AuditedCall.changedNothing()
        seen.withLock { seen in
            seen.callers.append(Caller.current)
            change(&seen)
        }
    }
}

struct FakeProjects: PBProjects.SimpleServiceProtocol {
    let fake: FakeServices

    func resolveProject(request: PBResolveProjectRequest, context: ServerContext) async throws -> PBProject {
        fake.record { $0.resolved.append(request.project) }
        guard ["web", FakeServices.project.description].contains(request.project) else { throw Fault.notFound("project", request.project) }
        return .with { $0.id = FakeServices.project.description }
    }

    func createProject(request: PBCreateProjectRequest, context: ServerContext) async throws -> PBProject {
        fake.record { $0.made += 1 }
        guard request.name != "taken" else { throw Fault(.conflict, "projects.slug_taken", "There is one.") }
        return .with {
            $0.id = FakeServices.project.description
            $0.name = request.name
        }
    }

    func getProject(request: PBGetProjectRequest, context: ServerContext) async throws -> PBProject {
        .with {
            $0.id = request.project
            $0.slug = "web"
            $0.name = "Web"
            $0.version = 7
        }
    }

    func listProjects(request: PBListProjectsRequest, context: ServerContext) async throws -> PBListProjectsResponse {
        .with { $0.page = .with { $0.hasMore_p = false } }
    }

    func updateProject(request: PBUpdateProjectRequest, context: ServerContext) async throws -> PBProject {
        fake.record { $0.versions.append(request.version) }
        guard request.version == 0 || request.version == 7 else { throw Fault.versionStale }
        return .with {
            $0.version = 8
            $0.id = request.project
            $0.name = request.hasName ? request.name : "unchanged"
        }
    }
}

struct FakeRuns: PBRuns.SimpleServiceProtocol {
    let fake: FakeServices

    func startRun(request: PBStartRunRequest, context: ServerContext) async throws -> PBRun {
        fake.record { $0.runs.append(request) }
        let key = Caller.current.idempotencyKey ?? UUID().uuidString
        let (id, fault, gate) = fake.plan.withLock { plan in
            let id = plan.runsByKey[key] ?? "run_\(plan.runsByKey.count + 1)"
            plan.runsByKey[key] = id
            return (id, plan.faults.isEmpty ? nil : plan.faults.removeFirst(), plan.gate)
        }
        if let gate { for await _ in gate { break } }
        if let fault { throw fault }
        return .with {
            $0.id = id
            $0.state = .queued
        }
    }

    func getRun(request: PBGetRunRequest, context: ServerContext) async throws -> PBRun {
        fake.record { $0.waits.append(request.wait) }
        switch request.run {
        case "run_gone": throw Fault.notFound("run", request.run)
        case "run_slow": throw Fault.deadlineExceeded
        case "run_broken": throw Fault(.internal, "internal", "select * from secrets")
        default: break
        }
        if request.run == "run_bad" {
            return .with {
                $0.id = request.run
                $0.project = "web"
                $0.state = .failed
                $0.counts = .with { $0.failed = 3 }
            }
        }
        if request.run == "run_fork" {
            return .with {
                $0.id = request.run
                $0.state = .failed
                $0.lane = .untrusted
            }
        }
        if request.run == "run_good" {
            return .with {
                $0.id = request.run
                $0.project = "web"
                $0.state = .passed
                $0.counts = .with { $0.passed = 5 }
            }
        }
        return .with {
            $0.id = request.run
            $0.state = .passed
            $0.counts = .with {
                $0.total = 9_007_199_254_740_993
                $0.passed = 0
            }
        }
    }

    func listRuns(request: PBListRunsRequest, context: ServerContext) async throws -> PBListRunsResponse {
        fake.record { $0.lists.append(request) }
        return .with {
            // As Execution answers for badges, which ask for one lane.
            if request.lane == .trusted, request.branch != "empty" { $0.data = Self.runs }
            $0.page = .with {
                $0.hasMore_p = request.cursor.isEmpty
                $0.nextCursor = request.cursor.isEmpty ? #"run_"1"# : ""
            }
        }
    }

    /// One that is under way, and the one before.
    private static let runs: [PBRun] = [
        .with {
            $0.id = "run_2"
            $0.state = .running
        },
        .with {
            $0.id = "run_1"
            $0.state = .failed
            $0.counts = .with {
                $0.passed = 7
                $0.failed = 1
            }
        },
    ]

    func cancelRun(request: PBCancelRunRequest, context: ServerContext) async throws -> PBRun {
        fake.record { $0.cancelled.append(request.run) }
        if request.run == "run_over" { throw Fault(.precondition, "runs.already_finished", "It is over.") }
        return .with {
            $0.id = request.run
            $0.state = .cancelled
        }
    }

    func finishRun(request: PBFinishRunRequest, context: ServerContext) async throws -> PBRun {
        fake.record { _ in }
        return .with { $0.id = request.run }
    }

    func watchRun(request: PBWatchRunRequest, response: RPCWriter<PBRunEvent>, context: ServerContext) async throws {
        guard request.run != "run_gone" else { throw Fault.notFound("run", request.run) }
        fake.record { _ in }
        if request.run == "run_endless" {
            try await response.write(.with { $0.id = 1 })
            return try await Task.sleep(for: .seconds(60))
        }
        if request.run == "run_flood" {
            // More than sockets and buffers hold together.
            defer { fake.record { $0.floods += 1 } }
            for number in 1...20_000 {
                try await response.write(
                    .with {
                        $0.id = Int64(number)
                        $0.run = .with { $0.id = String(repeating: "x", count: 4_000) }
                    })
            }
            return
        }
        for version in (request.lastEventID + 1)...3 {
            try await response.write(
                .with {
                    $0.id = version
                    $0.type = version == 3 ? .finished : .updated
                    $0.run = .with { $0.id = request.run }
                })
        }
    }
}

struct FakeUploads: PBUploads.SimpleServiceProtocol {
    let fake: FakeServices

    func createUpload(request: RPCAsyncSequence<PBUploadPart, any Error>, context: ServerContext) async throws -> PBUploadReceipt {
        var parts: [PBUploadPart] = []
        for try await part in request {
            parts.append(part)
            if let fault = fake.plan.withLock({ $0.uploadFault }) { throw fault }
        }
        try await Task.sleep(for: fake.plan.withLock { $0.uploadPause })
        fake.record { $0.uploads.append(parts) }
        return .with {
            $0.uploadID = "upl_1"
            $0.runID = "run_1"
            $0.accepted = 2
            $0.rejected = 0
        }
    }

    func rereadUpload(request: PBRereadUploadRequest, context: ServerContext) async throws -> PBRereading { .with { $0.same = 2 } }

    func getUpload(request: PBGetUploadRequest, context: ServerContext) async throws -> PBUpload {
        .with { $0.id = request.upload }
    }
}
