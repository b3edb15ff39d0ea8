import CommonAPI
import Foundation
import GRPCCore
import Jobs
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf
import TestSupport
import ValidationAPI

@testable import ValidationService

/// One project of one organization, and the service around it.
struct JudgingFixture: Sendable {
    struct Clients: Sendable {
        let intake: PBIntake.Client<InProcess.Transport>
        let failures: PBFailures.Client<InProcess.Transport>
        let rules: PBProjectRules.Client<InProcess.Transport>
        let verdicts: PBVerdicts.Client<InProcess.Transport>
        let recategorisations: PBRecategorisations.Client<InProcess.Transport>
        let lessons: PBLessons.Client<InProcess.Transport>
    }

    let tenant = ID<Tenant>.new()
    let project = ID<Project>.new()
    let run = ID<Run>.new()

    var database: Database { TestDatabase.current.database }
    var rules: RuleStore { RuleStore(database: database) }
    var recategorise: RecategoriseFailures {
        RecategoriseFailures(
            recategorisations: RecategorisationStore(database: database, jobs: JobQueue(database: database)), rules: rules,
            logs: LogReceiptStore(database: database), pageSize: 2, pages: 2)
    }

    func person(_ name: String = "usr_ann", permissions: Set<String> = ["runs.read", "projects.write", "failures.triage"]) -> Caller {
        Caller(identity: CallerIdentity(tenant: tenant, actor: name, permissions: permissions))
    }

    func serve<R: Sendable>(_ body: @Sendable (Clients) async throws -> R) async throws -> R {
        let failures = FailureStore(database: database)
        let validations = ValidationStore(database: database, jobs: JobQueue(database: database))
        let rules = rules
        let services: [any RegistrableRPCService] = [
            ValidationService.IntakeRPC(failures: failures, validations: validations, rules: rules),
            ValidationService.FailuresRPC(failures: failures, validations: validations),
            ProjectRulesRPC(rules: rules, failures: failures),
            VerdictsRPC(
                failures: failures, symptoms: SymptomStore(database: database), rules: rules, verdicts: VerdictStore(database: database)),
            RecategorisationsRPC(recategorisations: recategorise.recategorisations, rules: rules), LessonsRPC(rules: rules),
        ]
        return try await InProcess.serve(services, rules: ValidationContract.rules, as: person()) { client in
            try await body(
                Clients(
                    intake: PBIntake.Client(wrapping: client), failures: PBFailures.Client(wrapping: client),
                    rules: PBProjectRules.Client(wrapping: client), verdicts: PBVerdicts.Client(wrapping: client),
                    recategorisations: PBRecategorisations.Client(wrapping: client), lessons: PBLessons.Client(wrapping: client)))
        }
    }

    /// Files failures with these messages as Execution would, and gives their results.
    func file(_ messages: [String], with rules: RuleStore? = nil) async throws -> [String] {
        let results = messages.map { message in
            PBFailedResult.with {
                $0.result = ID<ValidationService.Result>.new().description
                $0.test = ID<ValidationService.Test>.new().description
                $0.name = "a test"
                $0.outcome = .failed
                $0.message = message
            }
        }
        let intake = ValidationService.IntakeRPC(
            failures: FailureStore(database: database), validations: ValidationStore(database: database, jobs: JobQueue(database: database)),
            rules: rules ?? self.rules)
        try await InProcess.serve([intake], rules: ValidationContract.rules, as: .service("execution", tenant: tenant), signedBy: "execution") {
            client in
            _ = try await PBIntake.Client(wrapping: client).submitFailures(
                .with {
                    $0.project = project.description
                    $0.run = run.description
                    $0.batch = "upl_1"
                    $0.results = results
                })
        }
        return results.map(\.result)
    }

    /// Files what was seen as a release would whose rules these are.
    func file(_ symptoms: [Symptoms], by book: Rulebook) async throws -> [String] {
        let results = symptoms.map {
            FailedResult(result: .new(), test: .new(), className: "", name: "a test", outcome: $0.outcome, symptoms: $0.bounded)
        }
        let judged = await JudgedDelivery.of(results, by: book)
        let batch = FailureBatch(
            run: run, project: project, lane: .trusted, branch: "", commit: "", environment: "",
            startedAt: Date(timeIntervalSince1970: 1_700_000_000),
            failures: judged.failures)
        try await FailureStore(database: database).insert(batch, by: judged.editions, tenant: tenant)
        return results.map(\.result.description)
    }

    func draft(_ pattern: String, _ category: PBCategory.Value = .data, order: Int32 = 0, name: String? = nil) -> PBRuleDraft {
        .with {
            $0.name = name ?? "finds \(pattern)"
            $0.category = category
            $0.order = order
            $0.pattern = pattern
        }
    }

    func make(_ draft: PBRuleDraft, _ clients: Clients) async throws -> PBProjectRule {
        try await clients.rules.createProjectRule(
            .with {
                $0.project = project.description
                $0.draft = draft
            })
    }
}
