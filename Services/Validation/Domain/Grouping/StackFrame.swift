/// One call of a stack trace, without what changes from build to build: line numbers, addresses, arguments.
struct StackFrame: Sendable, Equatable {
    /// Whose code a call is in. What is neither known as a library nor looks like a test is the application.
    enum Owner: Sendable { case application, test, library }

    static let maxName = 200

    /// The file's last component; empty when the trace does not tell.
    let file: String
    /// With its class or module as far as the trace tells; empty when it does not.
    let function: String
    let owner: Owner

    /// What a failure is grouped by. Anonymous functions have only their file.
    var name: String { String((function.isEmpty ? file : file.isEmpty ? function : file + " " + function).prefix(Self.maxName)) }

    /// - Parameter path: as the trace has it.
    init(path: Substring, function: Substring) {
        let separator = path.lastIndex { $0 == "/" || $0 == "\\" }
        file = Self.masked(separator.map { path[path.index(after: $0)...] } ?? path)
        self.function = Self.isAnonymous(function) ? "" : Self.masked(function)
        owner = Self.isLibrary(path, function) ? .library : Self.isTest(path, function) ? .test : .application
    }

    /// Digits become `#`: lambdas and inner classes are numbered by the compiler.
    private static func masked(_ text: Substring) -> String {
        var result = ""
        for character in text.prefix(maxName) {
            if character.isASCII, character.isNumber {
                if result.last != "#" { result.append("#") }
            } else if character != " " {
                result.append(character)
            }
        }
        return result
    }

    private static func isAnonymous(_ function: Substring) -> Bool {
        function.isEmpty || function.hasSuffix("<anonymous>") || function == "<module>" || function == "eval" || function == "lambda"
    }

    // MARK: Owners

    /// Beginnings of functions that belong to a language's runtime, to a test framework or to an assertion library.
    private static let libraryFunctions = [
        "java.", "javax.", "jdk.", "sun.", "com.sun.", "kotlin.", "kotlinx.", "scala.", "groovy.", "org.codehaus.groovy.", "org.junit.", "junit.",
        "org.testng.", "org.opentest4j.", "org.hamcrest.", "org.assertj.", "org.mockito.", "org.gradle.", "org.apache.maven.", "org.springframework.",
        "System.", "Microsoft.", "NUnit.", "Xunit.", "FluentAssertions.", "testing.", "runtime.", "reflect.", "net/http.", "github.com/stretchr/",
        "PHPUnit\\", "RSpec::", "Minitest::", "std::", "core::", "alloc::", "XCTest", "Swift.", "Foundation.", "process.", "node:",
    ]
    /// Parts of paths under which others' code is kept.
    private static let libraryPaths = [
        "node_modules", "site-packages", "dist-packages", "/usr/lib", "/usr/local/lib", "/usr/local/go", "/lib/python", "/gems/", "/vendor/",
        "/.cargo/",
        "/rustc/", "<frozen", "<internal", "node:", "internal/", "/.m2/", "/.nuget/", "/.swiftpm/",
    ]

    private static func isLibrary(_ path: Substring, _ function: Substring) -> Bool {
        libraryFunctions.contains { function.hasPrefix($0) } || path.hasPrefix("<") || libraryPaths.contains { path.contains($0) }
    }

    private static func isTest(_ path: Substring, _ function: Substring) -> Bool {
        let path = path.lowercased()
        if ["/test/", "/tests/", "__tests__", "/spec/", "\\test\\", "\\tests\\", "test/", "tests/"].contains(where: path.contains) { return true }
        let file = path.split { $0 == "/" || $0 == "\\" }.last ?? ""
        if file.hasPrefix("test") || file.contains("test.") || file.contains("tests.") || file.contains("spec.") || file.contains("_test") {
            return true
        }
        let name = function.lowercased()
        return name.split { $0 == "." || $0 == ":" || $0 == "$" }.contains { $0.hasPrefix("test") || $0.hasSuffix("test") || $0.hasSuffix("tests") }
    }
}
