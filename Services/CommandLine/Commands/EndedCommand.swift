/// A command that did not end well, as an upload tells of it.
struct EndedCommand: Equatable, Sendable {
    let code: Int32
    /// What people call it: its program and the words behind that say what it does, as `npm test`.
    let name: String

    init(code: Int32, command: [String]) {
        self.code = code
        let program = command.first?.split(separator: "/").last.map(String.init) ?? ""
        // Lower-case words only: paths, options and secrets are none.
        let words = command.dropFirst().prefix(2).prefix { (1...20).contains($0.utf8.count) && $0.utf8.allSatisfy { (97...122).contains($0) } }
        name = String(([program] + words).joined(separator: " ").prefix(200))
    }

    /// What `timeout` and shells say of a command that did not end by itself.
    var isAboutTests: Bool { code < 124 }

    var fields: [(name: String, value: String)] { [("exit_code", "\(code)"), ("command", name)] }
}
