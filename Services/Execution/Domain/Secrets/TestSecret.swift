import Foundation
import Primitives

/// A value that the tests of a project send and nobody reads again. This is all of it but the value.
struct TestSecret: Identified, Sendable {
    static let idPrefix = "sec"
    /// In one project: each may be in what a case answers, and is looked for there.
    static let maxCount = 100
    static let maxHosts = 20
    /// In front of the name in a case: `{{secret.API_TOKEN}}`. No variable's name begins like this.
    static let prefix = "secret."

    let id: ID<TestSecret>
    let project: ID<Project>
    let name: String
    /// Only for runs of this environment; empty for all.
    let environment: String
    let hosts: [AllowedHost]
    let updatedBy: String
    let createdAt: Date
    let updatedAt: Date
    /// Raised by every change.
    let version: Int64

    /// What CreateSecret takes, checked but for the hosts, which only the outbound component can read.
    struct Draft: Sendable {
        let project: ID<Project>
        let name: String
        let environment: String
        let value: Secret<String>
        let hosts: [AllowedHost]

        /// - Throws: `request.invalid` naming the field.
        init(project: ID<Project>, name: String, environment: String, value: String, hosts: [AllowedHost]) throws(Fault) {
            guard Variables.isName(name), Variables.isName(prefix + name) else {
                throw .invalidField("/name", "invalid_name", "A secret's name is a letter or _ and up to 56 letters, digits, _, . or -.")
            }
            guard environment.count <= 100, !environment.utf8.contains(0) else {
                throw .invalidField("/environment", "length", "At most 100 characters are allowed, and no NUL.")
            }
            self.project = project
            self.name = name
            self.environment = environment
            self.value = try TestSecret.checked(value)
            self.hosts = try TestSecret.checked(hosts)
        }
    }

    /// - Throws: `request.invalid` at `/value`.
    static func checked(_ value: String) throws(Fault) -> Secret<String> {
        guard (6...4096).contains(value.utf8.count), !value.utf8.contains(0) else {
            throw .invalidField("/value", "length", "A secret has 6 to 4,096 bytes and no NUL.")
        }
        return Secret(value)
    }

    /// - Throws: `request.invalid` at `/hosts`.
    static func checked(_ hosts: [AllowedHost]) throws(Fault) -> [AllowedHost] {
        guard (1...maxHosts).contains(hosts.count) else {
            throw .invalidField("/hosts", "length", "A secret has 1 to \(maxHosts) hosts that it may be sent to.")
        }
        return hosts
    }
}

extension Fault {
    static func secretNameTaken(_ name: String, environment: String) -> Fault {
        let place = environment.isEmpty ? "for all environments" : "for the environment \(environment)"
        return Fault(.conflict, "secrets.name_taken", "The project has a secret \(name) \(place) already.")
    }

    static let secretsFull = Fault(.precondition, "secrets.full", "The project has \(TestSecret.maxCount) secrets, which is all it may have.")
}
