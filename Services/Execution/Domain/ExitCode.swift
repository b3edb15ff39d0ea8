import Primitives

/// How a command ended, as a shell reports it: 0 to 255, of which 128 and more is the number of the signal that ended it.
struct ExitCode: Equatable, Sendable {
    let value: Int

    /// - Throws: `request.invalid` for what no shell reports.
    init(_ value: Int) throws(Fault) {
        guard (0...255).contains(value) else {
            throw .invalidField("/exit_code", "out_of_range", "exit_code is from 0 to 255: for a command that a signal ended, 128 and its number.")
        }
        self.value = value
    }

    var isFailure: Bool { value != 0 }

    /// For people; also what rules read.
    var words: String {
        let code = "The command ended with exit code \(value)"
        switch value {
        case 124: return "\(code): its time was up, says `timeout`."
        case 126: return "\(code): it could not be executed."
        case 127: return "\(code): there is no such command."
        case 137: return "\(code): killed (SIGKILL), as the system does when memory runs out."
        case 143: return "\(code): ended from outside (SIGTERM)."
        case 129...: return "\(code): ended by signal \(value - 128)\(Self.signals[value - 128].map { " (\($0))" } ?? "")."
        default: return "\(code), and no test failed."
        }
    }

    /// Numbers that Linux and macOS agree on.
    private static let signals = [
        1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 8: "SIGFPE", 11: "SIGSEGV", 13: "SIGPIPE", 14: "SIGALRM",
        24: "SIGXCPU", 25: "SIGXFSZ",
    ]
}

/// What an upload says of the command that left its reports, or left none.
struct EndedCommand: Equatable, Sendable {
    let code: ExitCode
    /// What people call it; empty when the client did not say.
    let name: String
}
