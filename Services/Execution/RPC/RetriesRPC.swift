import AnalyticsAPI
import ExecutionAPI
import Foundation
import GRPCCore
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

/// `assay.execution.v1.Retries`
struct RetriesRPC: PBRetries.SimpleServiceProtocol {
    /// Characters of each text by which failures are held against each other.
    static let textLimit = 4 << 10
    /// Keeps a question to Validation under the 4 MiB of a message.
    static let maxBytes = 3 << 20
    /// Tests that Analytics is asked about at once.
    static let mostAsked = 500

    let runs: RunStore
    let retries: RetryStore
    let plans: RetryPlanStore
    let words: RetryWordStore
    let rules: ReadingRulesStore
    let classifications: any PBClassifications.ClientProtocol
    let evidence: any PBFailureEvidences.ClientProtocol

    func getRetryPlan(request: PBGetRetryPlanRequest, context: ServerContext) async throws -> PBRetryPlan {
        let caller = Caller.current
        let (run, span) = try await runs.span(ID(request.run, field: "run"), tenant: caller.tenant)
        try caller.require(project: run.project.uuid)
        // As with what is quarantined: a fork may know what became of its own results, and nothing of those of others.
        guard caller.lane == .trusted || run.lane == .untrusted else { throw Fault.notFound("run", run.id) }
        let (uploads, areAll) = try await uploads(request, of: run.id, tenant: caller.tenant)
        let areWhole = try await retries.areWhole(uploads, of: run.id, tenant: caller.tenant)
        var found = try await retries.failing(in: uploads, of: span, tenant: caller.tenant)
        let (policy, document) = try await policy(of: run.project, tenant: caller.tenant)
        let remaining = policy.remaining(after: try await retries.spent(project: run.project, in: run.lane, at: Date(), tenant: caller.tenant))
        try await look(at: &found.candidates, of: run)
        let words = try await words.find(found.candidates.map(\.test), project: run.project, tenant: caller.tenant)
        for index in found.candidates.indices {
            let word = words[found.candidates[index].test]
            found.candidates[index].word = caller.lane == .trusted ? word : word?.anonymous
        }
        if !RetryDecision.isTooMuch(found.candidates, policy, failing: found.tests) {
            try await classify(&found.candidates, of: run, span, tenant: caller.tenant)
        }
        let plan = RetryPlan(
            RetryPlan.Question(
                uploads: uploads, candidates: found.candidates, failing: found.tests, passedAgain: found.passedAgain,
                isWhole: areAll && areWhole && !run.incomplete, policy: policy, policyVersion: document.version, remaining: remaining))
        var message = PBRetryPlan(plan, of: run.id)
        // Who names uploads acts on what it is told, be it that nothing of what failed stops the build.
        if !request.upload.isEmpty, found.tests + found.passedAgain > 0 {
            message.id = try await plans.insert(plan, of: run, at: Date(), tenant: caller.tenant).description
        }
        return message
    }

    func getRetryPolicy(request: PBGetRetryPolicyRequest, context: ServerContext) async throws -> PBRetryPolicy {
        let (project, tenant) = try Self.project(request.project)
        let (policy, document) = try await policy(of: project, tenant: tenant)
        return try await answer(policy, document, project, tenant)
    }

    func putRetryPolicy(request: PBPutRetryPolicyRequest, context: ServerContext) async throws -> PBRetryPolicy {
        let (project, tenant) = try Self.project(request.project)
        let policy = try RetryPolicy(
            maxAttempts: Int(request.maxAttempts), maxFailingTests: Int(request.maxFailingTests), minutesPerDay: Int(request.minutesPerDay))
        let document = try await rules.put(.retries, JSONText(encoding: policy).text, version: request.version, of: project, tenant: tenant)
        return try await answer(policy, document, project, tenant)
    }

    // MARK: - What is known of the tests

    private func look(at candidates: inout [RetryCandidate], of run: Run) async throws {
        for start in stride(from: 0, to: candidates.count, by: Self.mostAsked) {
            let asked = candidates[start..<min(start + Self.mostAsked, candidates.count)]
            let answer = try await evidence.listFailureEvidence(
                .with {
                    $0.project = run.project.description
                    $0.run = run.id.description
                    $0.branch = run.branch
                    $0.environment = run.environment
                    $0.commitSha = run.commit
                    $0.startedAt = Google_Protobuf_Timestamp(milliseconds: run.startedAt ?? run.createdAt)
                    $0.failures = asked.map { candidate in
                        .with {
                            $0.test = candidate.test.description
                            $0.result = candidate.failures.last?.result.description ?? ""
                        }
                    }
                })
            let known = Dictionary(answer.data.map { ($0.test, $0) }) { $1 }
            for index in asked.indices {
                if let found = known[candidates[index].test.description] { candidates[index].outlook = .init(found) }
            }
        }
    }

    private func classify(_ candidates: inout [RetryCandidate], of run: Run, _ span: RunSpan, tenant: ID<Tenant>) async throws {
        let wanted = candidates.filter { !$0.outlook.isQuarantined }.flatMap { $0.failures.map(\.result) }
        guard !wanted.isEmpty else { return }
        let results = try await retries.results(wanted, in: span, textLimit: Self.textLimit, tenant: tenant)
        var known: [String: PBClassification] = [:]
        var pages = Pages<PBFailedResult>(maxCount: PublishBatch.maxFailures, maxBytes: Self.maxBytes)
        func ask(_ page: [PBFailedResult]) async throws {
            let answer = try await classifications.classifyFailures(
                .with {
                    $0.project = run.project.description
                    $0.results = page
                })
            for found in answer.data { known[found.result] = found }
        }
        for result in results {
            let message = PBFailedResult(result, textLimit: Self.textLimit, endLimit: 0)
            if let (page, _) = pages.add(message, size: try message.serializedData().count) { try await ask(page) }
        }
        if let (page, _) = pages.rest() { try await ask(page) }
        for index in candidates.indices {
            for place in candidates[index].failures.indices {
                guard let found = known[candidates[index].failures[place].result.description] else { continue }
                candidates[index].failures[place].category = found.category
                candidates[index].failures[place].signature = found.signature
            }
        }
    }

    // MARK: - Words

    private func policy(of project: ID<Project>, tenant: ID<Tenant>) async throws -> (policy: RetryPolicy, document: ReadingRulesStore.Document) {
        let document = try await rules.get(.retries, of: project, tenant: tenant)
        return (try document.body.isEmpty ? RetryPolicy() : JSONText(document.body).decode(RetryPolicy.self), document)
    }

    private func answer(
        _ policy: RetryPolicy, _ document: ReadingRulesStore.Document, _ project: ID<Project>, _ tenant: ID<Tenant>
    ) async throws -> PBRetryPolicy {
        let spent = try await retries.spent(project: project, at: Date(), tenant: tenant)
        var message = PBRetryPolicy(policy, version: document.version)
        if let updatedAt = document.updatedAt { message.updatedAt = .init(milliseconds: updatedAt) }
        message.spentMinutes = Double(spent) / 60_000_000
        return message
    }

    private static func project(_ text: String) throws -> (ID<Project>, ID<Tenant>) {
        let project = try ID<Project>(text, field: "project")
        try Caller.current.require(project: project.uuid)
        return (project, Caller.current.tenant)
    }

    /// Those that are named, else the run's: whoever looks at a run need not know how it came.
    /// - Returns: also whether these are all that is asked about. What nobody looked at excuses no run.
    private func uploads(
        _ request: PBGetRetryPlanRequest, of run: ID<Run>, tenant: ID<Tenant>
    ) async throws -> (uploads: [ID<Upload>], areAll: Bool) {
        if request.upload.isEmpty {
            let newest = try await retries.newest(UploadDraft.retryLimit + 1, of: run, tenant: tenant)
            return (Array(newest.prefix(UploadDraft.retryLimit)), newest.count <= UploadDraft.retryLimit)
        }
        guard request.upload.count <= UploadDraft.retryLimit else {
            throw Fault.invalidField("upload", "count", "Name at most \(UploadDraft.retryLimit) uploads of the run.")
        }
        var uploads: Set<ID<Upload>> = []
        for text in request.upload { uploads.insert(try ID(text, field: "upload")) }
        return (uploads.sorted(), true)
    }
}

extension RetryCandidate.Outlook {
    /// A person's word stands above the machine's.
    fileprivate init(_ message: PBFailureEvidence) {
        kind =
            switch message.said == .unspecified ? message.kind : message.said {
            case .flaky: .flaky
            case .broken: .broken
            case .regressed: message.said == .unspecified ? .other : .broken
            default: .other
            }
        failingSince = message.hasFailingSince ? message.failingSince.date : nil
        isQuarantined = message.quarantined
        let held = try? ID<QuarantineEntry>(message.quarantine)
        quarantine = held.map { RetryCandidate.Quarantine(id: $0, version: message.quarantineVersion) }
    }
}
