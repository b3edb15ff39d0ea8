import ArgumentParser
import Foundation

/// How `assay exec` tries tests again.
struct RetryOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Try failed tests again, so many times at most, where the server says that it is worth it.", valueName: "times"))
    var retries: Int?

    @Option(help: ArgumentHelp("What tries them again, in a shell; {tests} stands for the tests. COMMAND when not given.", valueName: "command"))
    var retryCommand: String?

    @Option(help: ArgumentHelp("How a test is written: {name}, {class}, {suite} and {file} are filled in.", valueName: "text"))
    var retryTest = "{name}"

    @Option(help: ArgumentHelp("What stands between tests, which are one word then; without it each is a word of its own.", valueName: "text"))
    var retryJoin: String?

    func validate() throws {
        if let retries, !(1...9).contains(retries) { throw ValidationError("--retries is from 1 to 9.") }
        if retries == nil, retryCommand != nil { throw ValidationError("--retry-command needs --retries.") }
        if let retryCommand, !retryCommand.contains("{tests}") { throw ValidationError("--retry-command needs {tests} where the tests belong.") }
    }

    /// One test as its runner knows it.
    func written(_ test: RetryPlan.Test) -> String {
        var text = ""
        var rest = retryTest[...]
        while let open = rest.firstIndex(of: "{") {
            text += rest[..<open]
            rest = rest[open...]
            let places = [("{name}", test.name), ("{class}", test.className ?? ""), ("{suite}", test.suiteName ?? ""), ("{file}", test.file ?? "")]
            if let (place, value) = places.first(where: { rest.hasPrefix($0.0) }) {
                text += value
                rest = rest.dropFirst(place.count)
            } else {
                text += "{"
                rest = rest.dropFirst()
            }
        }
        return text + rest
    }

    /// The command line that tries tests again. Names of tests come out of reports, so no character of them means anything to the shell.
    func arguments(_ tests: [String], command: [String]) -> [String] {
        guard let retryCommand else { return command }
        let words = retryJoin.map { [tests.joined(separator: $0)] } ?? tests
        return ["/bin/sh", "-c", retryCommand.replacing("{tests}", with: words.map(Self.quoted).joined(separator: " "))]
    }

    private static func quoted(_ word: String) -> String { "'" + word.replacing("'", with: "'\\''") + "'" }
}
