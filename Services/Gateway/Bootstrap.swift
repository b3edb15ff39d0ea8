import Foundation
import Logging
import Primitives
import ServiceKit
import ServiceLifecycle
import Synchronization

/// Makes the first organization and its first key, when there is none: without it nobody could sign in to a fresh installation.
final class Bootstrap: Service {
    private let organizations: OrganizationStore
    private let organization: String
    private let keyFile: String?
    private let logger: Logger
    private let isDone = Mutex(false)

    init(organizations: OrganizationStore, organization: String, keyFile: String?, logger: Logger) {
        self.organizations = organizations
        self.organization = organization
        self.keyFile = keyFile
        self.logger = logger
    }

    /// A gateway gets no work before it is known that somebody can sign in, or that nobody has been asked for.
    var check: Readiness.Check {
        Readiness.Check("bootstrap") { [self] in isDone.withLock { $0 } ? nil : "the first organization has not been looked for yet" }
    }

    func run() async throws {
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            do {
                try await makeFirst()
                isDone.withLock { $0 = true }
                break
            } catch {
                // The database may start after us.
                logger.warning("the first organization could not be looked for; trying again", metadata: ["cause": "\(String(reflecting: error))"])
                try await Task.sleep(for: .seconds(1))
            }
        }
        try await gracefulShutdown()
    }

    func makeFirst() async throws {
        guard try await organizations.isEmpty() else { return }
        guard let keyFile else {
            logger.notice(
                "there is no organization yet: set ASSAY_GATEWAY_BOOTSTRAP_KEY_FILE to a path and restart, and the first API key is written there")
            return
        }
        var random = SystemRandomNumberGenerator()
        let text = KeyText.make(.personal, using: &random)
        let made = try await organizations.makeFirst(name: organization, key: NewKey(firstOf: "First key", now: Date()), text: text) {
            try Self.write(text, to: keyFile)
        }
        if made { logger.notice("the first organization was made; its key is in the file that ASSAY_GATEWAY_BOOTSTRAP_KEY_FILE names") }
    }

    /// Writes beside the target and renames, so that nobody ever reads half a key; readable for the owner alone from the beginning.
    private static func write(_ text: KeyText, to path: String) throws {
        let temporary = path + "." + UUID().uuidString
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0 else { throw Fault.bootstrapFile(path) }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        do {
            try handle.write(contentsOf: Data((text.secret.reveal() + "\n").utf8))
            try handle.close()
            guard rename(temporary, path) == 0 else { throw Fault.bootstrapFile(path) }
        } catch {
            unlink(temporary)
            throw Fault.bootstrapFile(path)
        }
    }
}

extension Fault {
    static func bootstrapFile(_ path: String) -> Fault {
        Fault(
            .internal, "gateway.bootstrap_file",
            "The first API key cannot be written to \(path): does its folder exist, and may the gateway write there?")
    }
}
