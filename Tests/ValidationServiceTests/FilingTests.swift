import CommonAPI
import Foundation
import GRPCCore
import Jobs
import Postgres
import Primitives
import ServiceKit
import SwiftProtobuf
import TestSupport
import Testing
import ValidationAPI

@testable import ValidationService

/// The service as its callers see it, over a real database.
@Suite(.database(ValidationProgram.schema, JobSchema.schema))
struct FilingTests {
    let tenant = ID<Tenant>.new()
    let project = ID<Project>.new()
    let run = ID<Run>.new()

    private var services: [any RegistrableRPCService] {
        let database = TestDatabase.current.database
        let failures = FailureStore(database: database)
        let validations = ValidationStore(database: database, jobs: JobQueue(database: database))
        return [
            ValidationService.IntakeRPC(failures: failures, validations: validations, rules: RuleStore(database: database)),
            ValidationService.FailuresRPC(failures: failures, validations: validations),
        ]
    }

    private func failed(_ message: String, outcome: PBOutcome.Value = .failed) -> PBFailedResult {
        .with {
            $0.result = ID<ValidationService.Result>.new().description
            $0.test = ID<ValidationService.Test>.new().description
            $0.name = "a test"
            $0.outcome = outcome
            $0.message = message
        }
    }

    private func submission(_ results: [PBFailedResult], sequence: Int32 = 0) -> PBSubmitFailuresRequest {
        .with {
            $0.project = project.description
            $0.run = run.description
            $0.batch = "upl_1"
            $0.sequence = sequence
            $0.results = results
        }
    }

    private func serve<R: Sendable>(as caller: Caller? = nil, _ body: (InProcess.Client) async throws -> R) async throws -> R {
        try await InProcess.serve(
            services, rules: ValidationContract.rules, as: caller ?? .service("execution", tenant: tenant), signedBy: "execution", body)
    }

    @Test("failures are filed, counted by category and listed; a repeated delivery changes nothing")
    func filed() async throws {
        try await serve { client in
            let intake = PBIntake.Client(wrapping: client)
            let failures = PBFailures.Client(wrapping: client)
            let batch = submission([failed("connection refused"), failed("connection refused"), failed("timed out", outcome: .errored)])
            _ = try await intake.submitFailures(batch)
            _ = try await intake.submitFailures(batch)

            var validation = try await failures.getValidation(.with { $0.run = run.description })
            #expect(validation.state == .judging && validation.failures == 3)
            _ = try await intake.completeRun(
                .with {
                    $0.run = run.description; $0.project = project.description
                })
            _ = try await intake.completeRun(
                .with {
                    $0.run = run.description; $0.project = project.description
                })
            validation = try await failures.getValidation(.with { $0.run = run.description })
            #expect(validation.state == .judged)
            #expect(validation.categories.map(\.category) == [.network, .timeout] && validation.categories.map(\.count) == [2, 1])

            let page = try await failures.listFailures(
                .with {
                    $0.run = run.description; $0.limit = 2
                })
            #expect(page.data.count == 2 && page.page.hasMore_p)
            let rest = try await failures.listFailures(
                .with {
                    $0.run = run.description; $0.limit = 2; $0.cursor = page.page.nextCursor
                })
            #expect(rest.data.count == 1 && !rest.page.hasMore_p)
            let timeouts = try await failures.listFailures(
                .with {
                    $0.run = run.description; $0.category = [.timeout]
                })
            #expect(timeouts.data.map(\.rule) == ["timeout.exceeded"] && timeouts.data.map(\.evidence) == ["timed out"])
            let one = try await failures.getFailure(.with { $0.result = timeouts.data[0].result })
            #expect(one == timeouts.data[0])
        }
    }

    @Test("what stands in the output is judged too, and kept with what was seen")
    func output() async throws {
        try await serve { client in
            var result = failed("it broke")
            result.systemOut = "Reason: OOMKilled"
            _ = try await PBIntake.Client(wrapping: client).submitFailures(submission([result]))
            let failure = try await PBFailures.Client(wrapping: client).getFailure(.with { $0.result = result.result })
            #expect(failure.category == .outOfMemory && failure.evidence == "Reason: OOMKilled")
            let hash = Symptoms(message: "it broke", standardOutput: "Reason: OOMKilled").hash
            #expect(try await SymptomStore(database: TestDatabase.current.database).find(hash, tenant: tenant)?.standardOutput == "Reason: OOMKilled")
        }
    }

    @Test("a run without a failure is judged too")
    func clean() async throws {
        try await serve { client in
            _ = try await PBIntake.Client(wrapping: client).completeRun(
                .with {
                    $0.run = run.description; $0.project = project.description
                })
            let validation = try await PBFailures.Client(wrapping: client).getValidation(.with { $0.run = run.description })
            #expect(validation.state == .judged && validation.failures == 0 && validation.categories.isEmpty)
        }
    }

    @Test("an untrusted run is filed for whoever reads it, and marked for whoever learns from runs")
    func untrusted() async throws {
        try await serve { client in
            let intake = PBIntake.Client(wrapping: client)
            var batch = submission([failed("connection refused")])
            batch.lane = .untrusted
            _ = try await intake.submitFailures(batch)
            _ = try await intake.completeRun(
                .with {
                    $0.run = run.description; $0.project = project.description; $0.lane = .untrusted
                })
            let validation = try await PBFailures.Client(wrapping: client).getValidation(.with { $0.run = run.description })
            #expect(validation.state == .judged && validation.failures == 1)
            let lane = try await TestDatabase.current.database.one(
                .tenant(tenant), "select lane from validations where tenant_id = \(tenant) and run_id = \(run)"
            ) { try $0.value("lane", as: String.self) }
            #expect(lane == "untrusted")
            batch.lane = .UNRECOGNIZED(7)
            let refused = try await InProcess.fault { [batch] in try await intake.submitFailures(batch) }
            #expect(refused.fields.first?.pointer == "/lane")
        }
    }

    @Test("another organization's runs and results do not exist")
    func isolation() async throws {
        let result = failed("connection refused")
        _ = try await serve { try await PBIntake.Client(wrapping: $0).submitFailures(submission([result])) }
        try await serve(as: .service("execution", tenant: .new())) { client in
            let failures = PBFailures.Client(wrapping: client)
            let validation = try await InProcess.fault { try await failures.getValidation(.with { $0.run = run.description }) }
            #expect(validation.kind == .notFound)
            let failure = try await InProcess.fault { try await failures.getFailure(.with { $0.result = result.result }) }
            #expect(failure.kind == .notFound)
        }
    }

    @Test("a passing result, a wrong id or too many at once are refused")
    func refused() async throws {
        try await serve { client in
            let intake = PBIntake.Client(wrapping: client)
            let passed = try await InProcess.fault { try await intake.submitFailures(submission([failed("", outcome: .passed)])) }
            #expect(passed.fields.first?.pointer == "/results/0/outcome")
            let wrong = try await InProcess.fault {
                try await intake.submitFailures(
                    submission([
                        .with {
                            $0.result = "res_1"; $0.outcome = .failed
                        }
                    ]))
            }
            #expect(wrong.code == "request.invalid_id" && wrong.fields.first?.pointer == "/results/0/result")
            let many = try await InProcess.fault {
                try await intake.submitFailures(submission(Array(repeating: PBFailedResult(), count: FailedResult.maxBatch + 1)))
            }
            #expect(many.code == "failures.too_many")
        }
    }

    @Test("every table holds tenants apart")
    func rowLevelSecurity() async throws {
        try await assertRowLevelSecurity(adminURL: TestDatabase.current.adminURL, schema: "validation")
    }
}
