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

@Suite("failures that are not filed yet", .database(ValidationProgram.schema, JobSchema.schema))
struct ClassificationTests {
    let fixture = JudgingFixture()

    @Test("are judged by the project's rules as they would be filed, look alike when only what is volatile differs, and leave nothing behind")
    func classify() async throws {
        try await fixture.serve { clients in _ = try await fixture.make(fixture.draft("sandbox", .environment), clients) }
        let results = ["order 17 was lost", "order 18 was lost", "timed out after 5 s", "the sandbox is away"].map { message in
            PBFailedResult.with {
                $0.result = ID<ValidationService.Result>.new().description
                $0.test = ID<ValidationService.Test>.new().description
                $0.name = "n"
                $0.outcome = .failed
                $0.message = message
            }
        }
        let rpc = ClassificationsRPC(rules: RuleStore(database: fixture.database))
        let caller = Caller.service("execution", tenant: fixture.tenant)
        let project = fixture.project.description
        let found = try await InProcess.serve([rpc], rules: ValidationContract.rules, as: caller) { client in
            try await PBClassifications.Client(wrapping: client).classifyFailures(
                .with {
                    $0.project = project
                    $0.results = results
                }
            ).data
        }
        #expect(found.map(\.result) == results.map(\.result))
        #expect(found.map(\.category) == ["ASSERTION", "ASSERTION", "TIMEOUT", "ENVIRONMENT"])
        #expect(found[0].signature == found[1].signature && found[1].signature != found[2].signature && !found[0].signature.isEmpty)
        let filed = try await fixture.database.one(
            .tenant(fixture.tenant), "select count(*) from failures where tenant_id = \(fixture.tenant)"
        ) { try $0.value("count", as: Int64.self) }
        #expect(filed == 0)
        // Names of categories are those of the contract, which others decide by.
        for category in Category.allCases { #expect("\(category.message)".lowercased() == category.rawValue.replacing("_", with: "")) }
    }
}
