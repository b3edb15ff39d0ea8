import Postgres
import ProjectsAPI
import ServiceKit

/// Owns what people set up: projects, suites, cases.
@main
struct ProjectsProgram: ServiceProgram {
    static let name = "projects"
    static let schema = Schema(name: name, bundle: .module)

    static func assemble(_ host: ServiceHost) async throws -> ServiceParts {
        let projects = ProjectStore(database: host.database)
        let suites = SuiteStore(database: host.database)
        let fields = CaseFieldStore(database: host.database)
        let cases = CaseStore(database: host.database, fields: fields)
        return ServiceParts(
            rpc: [
                ProjectsRPC(projects: projects),
                SuitesRPC(suites: suites, cases: cases),
                CasesRPC(suites: suites, cases: cases, fields: fields),
                CaseFieldsRPC(fields: fields),
            ],
            rules: ProjectsContract.rules
        )
    }
}
