import Foundation

/// A command in our place: same folder, same standard streams, same process group, so that a terminal's signals reach it as they would without
/// us. Signals that are sent to us alone are passed on, and we stay until it has ended.
struct ChildCommand {
    static let notFound: Int32 = 127
    static let notExecutable: Int32 = 126
    private static let passed = [SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2]

    let arguments: [String]
    let environment: [String: String]

    init(_ arguments: [String], environment: [String: String]) {
        self.arguments = arguments
        self.environment = environment
    }

    /// Blocks until the command has ended.
    /// - Returns: its exit code as a shell would say it.
    func run() throws -> Int32 {
        let argv = arguments.map { strdup($0) } + [nil]
        let envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        // A handler is undone in the child, what is ignored stays ignored: so only what was not ignored gets one, and before there is a child.
        for signal in Self.passed { Self.listen(to: signal) }
        var pid = pid_t()
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // The threads that Swift's concurrency runs on block nearly all signals, and a child has the mask of the thread that started it.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let failure = posix_spawnp(&pid, arguments[0], nil, &attributes, argv, envp)
        guard failure == 0 else {
            Console.error("assay: \(arguments[0]): \(String(cString: strerror(failure)))")
            return failure == ENOENT ? Self.notFound : Self.notExecutable
        }
        childOfOurs = pid
        defer { childOfOurs = 0 }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 { guard errno == EINTR else { throw ClientFailure.local("\(arguments[0]) was lost") } }
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }

    private static func listen(to signal: Int32) {
        var before = sigaction()
        sigaction(signal, nil, &before)
        #if canImport(Darwin)
        let isIgnored = unsafeBitCast(before.__sigaction_u.__sa_handler, to: Int.self) == 1
        #else
        let isIgnored = unsafeBitCast(before.__sigaction_handler.sa_handler, to: Int.self) == 1
        #endif
        guard !isIgnored else { return }
        var action = sigaction()
        #if canImport(Darwin)
        action.__sigaction_u.__sa_sigaction = passOn
        #else
        action.__sigaction_handler.sa_sigaction = passOn
        #endif
        action.sa_flags = SA_SIGINFO | SA_RESTART
        sigaction(signal, &action, nil)
    }
}

/// Read by a signal handler, which can be given nothing.
private nonisolated(unsafe) var childOfOurs: pid_t = 0

/// Only what a process sent is passed on: the terminal has told the whole group.
private func passOn(_ signal: Int32, _ info: UnsafeMutablePointer<siginfo_t>?, _ context: UnsafeMutableRawPointer?) {
    guard let info, info.pointee.si_code == Int32(SI_USER), childOfOurs > 0 else { return }
    kill(childOfOurs, signal)
}
