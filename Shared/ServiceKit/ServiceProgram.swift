import ArgumentParser
import Postgres

/// One executable of Assay. Conform, mark the type `@main`, and it has the commands `serve` (default), `migrate` and `check-config`.
///
/// Exit codes: 0 after an orderly stop, 78 when the settings are wrong, 1 for everything else.
package protocol ServiceProgram: Sendable {
    /// Lower case; names the PostgreSQL schema, the settings and the logs.
    static var name: String { get }
    static var schema: Schema { get }
    /// Mechanisms beside the job queue that keep tables in this service's schema.
    static var components: [Schema] { get }

    /// Builds the service from its parts. Runs before anything is connected, also in `check-config`: it reads settings and makes values, it
    /// does not call anybody.
    static func assemble(_ host: ServiceHost) async throws -> ServiceParts
}

extension ServiceProgram {
    package static var components: [Schema] { [] }

    package static func main() async {
        await ProgramCommand<Self>.main()
    }
}

/// The command line of a program; `ArgumentParser` wants a type for each command.
struct ProgramCommand<Program: ServiceProgram>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "assay-\(Program.name)", abstract: "The \(Program.name) service of Assay. Settings are ASSAY_… environment variables.",
            subcommands: [Serve.self, Migrate.self, CheckConfig.self], defaultSubcommand: Serve.self)
    }

    struct Serve: AsyncParsableCommand {
        static var configuration: CommandConfiguration {
            CommandConfiguration(commandName: "serve", abstract: "Serve until SIGTERM or SIGINT (default).")
        }

        func run() async throws {
            try await ProgramRun<Program>.start { try await $0.serve() }
        }
    }

    struct Migrate: AsyncParsableCommand {
        static var configuration: CommandConfiguration {
            CommandConfiguration(commandName: "migrate", abstract: "Bring the service's schema up to date, then exit.")
        }

        func run() async throws {
            try await ProgramRun<Program>.start { try await $0.migrate() }
        }
    }

    struct CheckConfig: AsyncParsableCommand {
        static var configuration: CommandConfiguration {
            CommandConfiguration(
                commandName: "check-config", abstract: "Print the settings that apply, without secrets; exit with 78 if any is wrong.")
        }

        func run() async throws {
            try await ProgramRun<Program>.start { try await $0.checkConfig() }
        }
    }
}
