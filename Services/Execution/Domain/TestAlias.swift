import Foundation
import Primitives

/// Two identities of one test.
struct TestAlias: Equatable, Sendable {
    /// Of one project.
    static let most = 20_000

    let project: ID<Project>
    /// Results that come under it are stored as `test`.
    let alias: ID<TestIdentity>
    let test: ID<TestIdentity>
    let note: String
    /// Actor, `usr_…`, `key_…`.
    let createdBy: String
    let createdAt: Date
}

extension Fault {
    static func aliasTaken(_ alias: ID<TestIdentity>, _ test: ID<TestIdentity>) -> Fault {
        Fault(.conflict, "test_aliases.taken", "Test \(alias) is an alias of \(test) already; delete that first.")
    }

    static func aliasCircular(_ alias: ID<TestIdentity>) -> Fault {
        Fault(.invalid, "test_aliases.circular", "Test \(alias) cannot be an alias of itself, nor of a test that is an alias of it.")
    }

    static let aliasesFull = Fault(.precondition, "test_aliases.full", "A project has at most \(TestAlias.most) test aliases.")
}
