import Postgres
import ServiceKit
import ValidationAPI

/// Owns what failures mean: rules, categories, and the judgement of each run.
@main
struct ValidationProgram: ServiceProgram {
    static let name = "validation"
    static let schema = Schema(name: name, bundle: .module)

    static func assemble(_ host: ServiceHost) async throws -> ServiceParts {
        let failures = FailureStore(database: host.database)
        let validations = ValidationStore(database: host.database)
        return ServiceParts(
            rpc: [
                IntakeRPC(failures: failures, validations: validations),
                FailuresRPC(failures: failures, validations: validations),
            ],
            rules: ValidationContract.rules
        )
    }
}
