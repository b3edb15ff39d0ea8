import ArgumentParser
import Foundation

/// `assay`, the command-line client. Exit codes are those of `ExitStatus`.
@main
struct AssayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "assay", abstract: "Send test results to Assay, run its suites, and read what became of them.",
        discussion: """
            First steps:
              assay login                       say where Assay is, and your key
              assay exec -- swift test          run tests, send their reports
              assay upload 'build/**/*.xml'     send reports that are there
              assay status                      see the newest runs

            In a CI set ASSAY_URL, ASSAY_API_KEY and ASSAY_PROJECT instead of logging in. Branch, commit, build and job are found by themselves \
            in GitHub Actions, GitLab, Jenkins, CircleCI, Bitbucket, Azure Pipelines and Buildkite.

            Exit codes: 0 passed or done; 1 tests failed; 2 wrong usage; 3 no key, or not allowed; 4 Assay cannot be reached; 5 timed out. Trouble \
            with an upload does not break a build: it is a warning and exit code 0, unless you say --strict.
            """,
        groupedSubcommands: [
            CommandGroup(name: "Sending results", subcommands: [UploadCommand.self, ExecCommand.self, FlushCommand.self, ImportCommand.self]),
            CommandGroup(
                name: "Runs",
                subcommands: [
                    StatusCommand.self, ResultsCommand.self, CompareCommand.self, RunCommand.self, WaitCommand.self, OpenCommand.self,
                    BadgeCommand.self,
                ]),
            CommandGroup(name: "Access", subcommands: [LoginCommand.self, LogoutCommand.self, WhoAmICommand.self]),
            CommandGroup(name: "More", subcommands: [AuditCommand.self, CompletionsCommand.self]),
        ])

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let failure as ClientFailure {
            Console.error("assay: error: \(failure)")
            Foundation.exit(failure.exitStatus.rawValue)
        } catch let status as ExitStatus.Ended {
            Foundation.exit(status.code)
        } catch {
            if exitCode(for: error) == .validationFailure {
                Console.error(fullMessage(for: error))
                Foundation.exit(ExitStatus.usage.rawValue)
            }
            exit(withError: error)
        }
    }
}

extension ExitStatus {
    /// Ends the program with a code after all has been said.
    struct Ended: Error, Equatable {
        let code: Int32
    }

    /// - Throws: `Ended`, unless all is well.
    func end() throws {
        if self != .passed { throw Ended(code: rawValue) }
    }
}

/// `assay audit …`
struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "The audit log, offline.", subcommands: [VerifyAuditCommand.self])
}
