import Primitives

/// The secrets of a project in the clear, for as long as one of its cases is carried out.
struct ProjectSecrets: Sendable {
    /// One of them.
    struct Known: Sendable {
        let name: String
        let environment: String
        let hosts: [AllowedHost]
        let value: Secret<String>
    }

    static let none = ProjectSecrets([], environment: "")

    /// What can be used: by name, of several with one name the one of the run's environment.
    private let usable: [String: Known]
    /// For all of them, also those of other environments: an answer may hold any.
    let mask: SecretMask

    /// - Parameter environment: the run's.
    init(_ known: [Known], environment: String) {
        var usable: [String: Known] = [:]
        for secret in known where secret.environment.isEmpty || secret.environment == environment {
            if usable[secret.name] == nil || !secret.environment.isEmpty { usable[secret.name] = secret }
        }
        self.usable = usable
        mask = SecretMask(known.map(\.value))
    }

    /// What `Variables` fills in.
    var values: [String: Secret<String>] { usable.mapValues(\.value) }

    /// Whether all of these may be sent to an origin.
    func allow(_ names: Set<String>, to origin: String) -> Bool {
        names.allSatisfy { name in usable[name]?.hosts.contains { $0.allows(origin) } ?? false }
    }

    /// - Parameters:
    ///   - names: of the secrets that a request has somewhere.
    ///   - origin: that it goes to.
    /// - Throws: `secret_host_denied` when one of them may not be sent there.
    func check(_ names: Set<String>, to origin: String) throws(CaseError) {
        for name in names.sorted() {
            guard allow([name], to: origin) else { throw .secretHostDenied(name, origin) }
        }
    }
}

extension CaseError {
    static func secretHostDenied(_ name: String, _ origin: String) -> CaseError {
        CaseError("secret_host_denied", "The secret \(name) may not be sent to \(origin): it is none of the secret's hosts.")
    }

    static let secretInHost = CaseError("secret_host_denied", "A secret may not be part of a URL's host: whoever resolves the name would learn it.")
    static let secretsUnreadable = CaseError(
        "secrets_unreadable", "The project's secrets cannot be opened, so that nothing could be masked; the service's log says why.")
}
