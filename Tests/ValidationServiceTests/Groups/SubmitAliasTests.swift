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

@Suite("Execution tells which tests are one", .database(ValidationProgram.schema, JobSchema.schema))
struct SubmitAliasTests {
    private func alias(_ alias: Int, of test: Int?, in fixture: GroupFixture) -> PBSubmitAliasRequest {
        .with {
            $0.project = fixture.project.description
            $0.alias = GroupFixture.test(alias).description
            $0.test = test.map { GroupFixture.test($0).description } ?? ""
        }
    }

    @Test("failures that come afterwards are the test's, until it is told that the alias stands for itself; each name leaves a job")
    func told() async throws {
        let fixture = GroupFixture()
        let service = ValidationService.IntakeRPC(
            failures: fixture.failures, validations: fixture.validations, rules: RuleStore(database: fixture.database))
        try await InProcess.serve(
            [service], rules: ValidationContract.rules, as: .service("execution", tenant: fixture.tenant), signedBy: "execution"
        ) { client in
            let intake = PBIntake.Client(wrapping: client)
            func filed() async throws -> ID<ValidationService.Test> {
                let result = ID<ValidationService.Result>.new()
                _ = try await intake.submitFailures(
                    .with {
                        $0.project = fixture.project.description
                        $0.run = ID<ValidationService.Run>.new().description
                        $0.batch = "upl_1"
                        $0.lane = .trusted
                        $0.startedAt = Google_Protobuf_Timestamp(milliseconds: GroupFixture.start)
                        $0.results = [
                            .with {
                                $0.result = result.description
                                $0.test = GroupFixture.test(1).description
                                $0.outcome = .failed
                                $0.message = "no route to warehouse"
                            }
                        ]
                    })
                return try await fixture.failures.get(result, tenant: fixture.tenant).test
            }
            #expect(try await filed() == GroupFixture.test(1))
            _ = try await intake.submitAlias(alias(1, of: 0, in: fixture))
            #expect(try await fixture.takeJoin()?.alias == GroupFixture.test(1))
            #expect(try await filed() == GroupFixture.test(0))
            _ = try await intake.submitAlias(alias(1, of: nil, in: fixture))
            #expect(try await fixture.takeJoin() == nil)
            #expect(try await filed() == GroupFixture.test(1))

            var wrong = alias(1, of: 0, in: fixture)
            wrong.test = "tst_x"
            let request = wrong
            let fault = try await InProcess.fault { try await intake.submitAlias(request) }
            #expect(fault.code == "request.invalid_id" && fault.fields.map(\.pointer) == ["/test"])
        }
    }
}
