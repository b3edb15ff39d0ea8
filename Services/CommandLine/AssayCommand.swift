import ArgumentParser
import Foundation

/// `assay`, the command-line client.
///
/// Exit codes: 0 when all is well, 1 when what was checked is not, 2 for wrong usage.
@main
struct AssayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "assay", abstract: "Assay's command-line client.", subcommands: [AuditCommand.self])

    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            let isUsage = exitCode(for: error) == .validationFailure
            if isUsage {
                FileHandle.standardError.write(Data((fullMessage(for: error) + "\n").utf8))
                Foundation.exit(2)
            }
            exit(withError: error)
        }
    }
}

/// `assay audit …`
struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "The audit log, offline.", subcommands: [VerifyAuditCommand.self])
}
