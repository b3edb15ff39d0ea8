@testable import ValidationService

/// Failures of every sort, put together by chance from what rules look for and what confuses them.
enum AnySymptoms {
    private static let words = [
        "sandbox", "expected", "Expected: ", "but was", "'Access denied'", "<503 Service Unavailable>", "connection refused", "timed out", "é", "\0",
        "…",
        "\n", "\n", "Caused by: java.net.ConnectException", "exit code 137", "OOMKilled", "AssertionError", "relation \"t\"", "\"", "'", "200",
        "- x\n+ y",
        "Segmentation fault", "failed.", "fixture 'db'", "🇩🇪", "assert x == 'no such host'",
    ]

    private static func text(_ chance: inout Chance) -> String {
        var text = (0..<Int.random(in: 0...8, using: &chance)).map { _ in words.randomElement(using: &chance)! }.joined(separator: " ")
        // Some are longer than what rules see.
        if Int.random(in: 0..<12, using: &chance) == 0 { text += String(repeating: "ü€ ", count: 2000) + "connection refused" }
        return text
    }

    static func next(_ chance: inout Chance) -> Symptoms {
        Symptoms(
            message: text(&chance), type: ["", "", "AssertionError", "java.net.ConnectException", "failure"].randomElement(using: &chance)!,
            trace: text(&chance), standardError: text(&chance), standardOutput: Bool.random(using: &chance) ? text(&chance) : "",
            httpStatus: [0, 0, 0, 403, 503].randomElement(using: &chance)!,
            errorCode: ["", "", "", "dns_failed", "unknown_secret"].randomElement(using: &chance)!,
            outcome: Outcome.allCases.randomElement(using: &chance)!)
    }
}
