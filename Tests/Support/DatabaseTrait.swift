// assay-bench is linked without the test library.
#if canImport(Testing)
import Postgres
import Sealing
import ServiceKit
import Testing

/// Gives a suite, or a single test, a database of its own: `@Suite(.database(ValidationProgram.schema, JobSchema.schema))`.
///
/// All tests of a suite share it and run at the same time, so each makes a tenant of its own.
package struct DatabaseTrait: SuiteTrait, TestTrait, TestScoping {
    let schemas: [Schema]

    package func provideScope(for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void) async throws {
        let database = try await TestDatabase.make(schemas)
        do {
            try await TestDatabase.$bound.withValue(database) { try await function() }
        } catch {
            await database.drop()
            throw error
        }
        await database.drop()
    }
}

extension Trait where Self == DatabaseTrait {
    /// - Parameters:
    ///   - schema: names the PostgreSQL schema that everything goes into.
    ///   - components: further owners of tables in it, beside those that every service has, and the one of data keys.
    package static func database(_ schema: Schema, _ components: Schema...) -> DatabaseTrait {
        let named = components.map(\.name)
        let usual = (ServiceSchema.components + [DataKeySchema.schema]).filter { $0.name != schema.name && !named.contains($0.name) }
        return DatabaseTrait(schemas: [schema] + components + usual)
    }
}
#endif
