import Foundation
import Primitives

@testable import ValidationService

/// What people filed, made without a database.
struct Taught {
    private(set) var lessons: [Lesson] = []

    static func signature(_ message: String, type: String = "", trace: String = "", test: String = "a test") -> Signature {
        var signer = FailureSigner()
        return signer.signature(message: message, type: type, trace: trace, className: "", test: test)
    }

    mutating func add(
        _ signature: Signature, _ category: ValidationService.Category, _ severity: Severity? = nil, result: ID<ValidationService.Result> = .new()
    ) {
        lessons.append(
            Lesson(
                signature: signature, category: category, severity: severity, result: result, verdict: 2, decidedBy: "usr_ann",
                decidedAt: Date(timeIntervalSince1970: 1_700_000_000), edition: Int64(lessons.count + 1)))
    }

    mutating func add(_ message: String, _ category: ValidationService.Category, _ severity: Severity? = nil) {
        add(Self.signature(message), category, severity)
    }

    var step: LearnedStep {
        LearnedStep(lessons: Lessons(lessons, edition: Int64(lessons.count)), rules: BuiltInRules.all)
    }

    func judge(_ message: String) -> Judgement? { step.judge(Self.signature(message), of: .new()) }
}
