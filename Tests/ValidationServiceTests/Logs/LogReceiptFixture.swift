import Foundation
import GRPCCore
import Jobs
import Patterns
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf
import TestSupport
import ValidationAPI

@testable import ValidationService

/// One project with logs, and what says why they are of their categories.
struct LogReceiptFixture: Sendable {
    struct Clients: Sendable {
        let patterns: PBLogPatterns.Client<InProcess.Transport>
        let verdicts: PBLogPatternVerdicts.Client<InProcess.Transport>
        let judgings: PBRecategorisations.Client<InProcess.Transport>
    }

    let judging = JudgingFixture()

    var tenant: ID<Tenant> { judging.tenant }
    var project: ID<Project> { judging.project }
    var scope: ProjectScope { ProjectScope(tenant: tenant, project: project) }
    var database: Database { judging.database }
    var words: LogVerdictStore { LogVerdictStore(database: database) }
    var patterns: LogPatternStore { LogPatternStore(database: database) }
    var analysis: LogAnalysis { LogAnalysis(intake: LogIntakeStore(database: database), words: words, rules: judging.rules) }

    func serve<R: Sendable>(as caller: Caller? = nil, _ body: @Sendable (Clients) async throws -> R) async throws -> R {
        let services: [any RegistrableRPCService] = [
            LogPatternsRPC(patterns: patterns, analysis: analysis),
            LogPatternVerdictsRPC(patterns: patterns, rules: judging.rules, verdicts: words),
            RecategorisationsRPC(recategorisations: judging.recategorise.recategorisations, rules: judging.rules),
        ]
        return try await InProcess.serve(services, rules: ValidationContract.rules, as: caller ?? judging.person()) { client in
            try await body(
                Clients(
                    patterns: PBLogPatterns.Client(wrapping: client), verdicts: PBLogPatternVerdicts.Client(wrapping: client),
                    judgings: PBRecategorisations.Client(wrapping: client)))
        }
    }

    /// Reads a log of a run.
    @discardableResult
    func read(_ text: String, hours: Double = 0) async throws -> ID<Run> {
        let run = ID<Run>.new()
        let piece = LogPiece(
            scope: scope, run: run, artifact: .new(), number: 0, isLast: true, isCut: false, isUnreadable: false, isTrusted: true, branch: "main",
            startedAt: Date(timeIntervalSince1970: 1_767_225_600 + hours * 3600))
        try await analysis.record(Array(text.utf8), of: piece)
        return run
    }

    /// The pattern whose lines say this.
    func pattern(_ text: String, _ clients: Clients) async throws -> PBLogPattern {
        let listed = try await clients.patterns.listLogPatterns(
            .with {
                $0.project = project.description
                $0.text = text
            })
        return listed.data.first ?? PBLogPattern()
    }

    func replay(_ pattern: String, _ clients: Clients) async throws -> PBLogReplay {
        try await clients.verdicts.replayLogPattern(
            .with {
                $0.project = project.description
                $0.pattern = pattern
            })
    }

    func verdict(_ pattern: String, _ clients: Clients) async throws -> PBLogPatternVerdict {
        try await clients.verdicts.getLogPatternVerdict(
            .with {
                $0.project = project.description
                $0.pattern = pattern
            })
    }

    func say(
        _ category: PBCategory.Value, of pattern: String, version: Int64 = 0, reason: String = "known", _ clients: Clients
    ) async throws -> PBLogPatternVerdict {
        try await clients.verdicts.putLogPatternVerdict(
            .with {
                $0.project = project.description
                $0.pattern = pattern
                $0.category = category
                $0.reason = reason
                $0.version = version
            })
    }

    func giveBack(_ pattern: String, _ clients: Clients) async throws {
        _ = try await clients.verdicts.deleteLogPatternVerdict(
            .with {
                $0.project = project.description
                $0.pattern = pattern
            })
    }

    func addRule(_ pattern: String, _ category: ValidationService.Category) async throws -> ID<ProjectRule> {
        let draft = ProjectRule.Draft(
            name: "finds \(pattern)", category: category, severity: .low, order: 100, places: [.message], pattern: try Pattern(pattern),
            isEnabled: true)
        return try await judging.rules.insert(draft, of: project, by: "usr_ann", key: nil, tenant: tenant).id
    }

    /// Judges everything again by the rules that hold now.
    func judgeAgain(_ clients: Clients) async throws -> PBRecategorisation {
        let started = try await clients.judgings.recategoriseFailures(.with { $0.project = project.description })
        for _ in 0..<2 { try await handle(started.id) }
        return try await clients.judgings.getRecategorisation(.with { $0.recategorisation = started.id })
    }

    func handle(_ judging: String) async throws {
        try await self.judging.recategorise.handle(
            .init(id: ID(judging), after: nil), Job(tenant: tenant, kind: RecategoriseFailures.Payload.kind))
    }

    /// Changes rows behind the service's back.
    /// - Returns: how many.
    @discardableResult
    func tamper(_ sql: SQL) async throws -> Int { try await database.execute(.tenant(tenant), sql) }
}
