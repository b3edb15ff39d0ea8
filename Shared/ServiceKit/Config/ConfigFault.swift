/// What is wrong with the settings, one line each; the process prints them and exits with 78 (`EX_CONFIG`, sysexits.h).
///
/// Lines name the environment variable and never repeat the value of a secret.
package struct ConfigFault: Error, Equatable, CustomStringConvertible {
    package static let exitCode: Int32 = 78

    package let problems: [String]

    package init(_ problems: [String]) {
        self.problems = problems
    }

    package init(_ problem: String) {
        problems = [problem]
    }

    package var description: String { problems.joined(separator: "\n") }
}
