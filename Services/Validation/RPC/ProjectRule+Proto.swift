import CommonAPI
import Foundation
import Patterns
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

extension ProjectRule.Draft {
    /// - Throws: `request.invalid` naming the field.
    init(_ message: PBRuleDraft, at pointer: String = "/draft") throws(Fault) {
        let name = message.name
        guard (1...ProjectRule.maxName).contains(name.unicodeScalars.count), !name.unicodeScalars.contains(where: { $0.value == 0 }),
            name.contains(where: { !$0.isWhitespace })
        else {
            throw .invalidField(pointer + "/name", "invalid", "A name has 1 to \(ProjectRule.maxName) characters, and not only spaces.")
        }
        let order = message.order == 0 ? 100 : Int(message.order)
        guard ProjectRule.orders.contains(order) else { throw .invalidField(pointer + "/order", "out_of_range", "The order is from 1 to 1,000.") }
        guard message.places.count <= ProjectRule.Place.allCases.count else {
            throw .invalidField(pointer + "/places", "too_many", "There are four places.")
        }
        var places: [ProjectRule.Place] = []
        for (index, place) in message.places.enumerated() {
            let place = try ProjectRule.Place(place, at: pointer + "/places/\(index)")
            guard !places.contains(place) else { throw .invalidField(pointer + "/places/\(index)", "duplicate", "This place is there twice.") }
            places.append(place)
        }
        self.init(
            name: name, category: try Category(message.category, at: pointer + "/category"),
            severity: try Severity.given(message.severity, at: pointer + "/severity") ?? .medium, order: order,
            places: places.isEmpty ? ProjectRule.Place.allCases : places, pattern: try Pattern(user: message.pattern, at: pointer + "/pattern"),
            isEnabled: message.hasEnabled ? message.enabled : true)
    }
}

extension Pattern {
    /// - Throws: `request.invalid` at `pointer`: what is wrong with it, and where.
    fileprivate convenience init(user text: String, at pointer: String) throws(Fault) {
        guard !text.isEmpty else { throw .invalidField(pointer, "required", "A rule needs a pattern.") }
        guard !text.utf8.contains(0) else { throw .invalidField(pointer, "invalid_character", "A pattern must not hold a NUL; write \\x00.") }
        do {
            try self.init(text)
        } catch {
            switch error {
            case .tooLong: throw .invalidField(pointer, "too_long", "A pattern has at most \(Pattern.maxBytes) bytes.")
            case .tooLarge:
                throw .invalidField(pointer, "too_large", "The pattern is too large when compiled: repeat less, or fewer alternatives.")
            case .malformed(let words, let offset): throw .invalidField(pointer, "invalid_pattern", "At byte \(offset): \(words).")
            }
        }
    }
}

extension ProjectRule.Place {
    init(_ message: PBProjectRule.Place, at pointer: String) throws(Fault) {
        switch message {
        case .message: self = .message
        case .type: self = .type
        case .trace: self = .trace
        case .systemErr: self = .systemErr
        case .unspecified, .UNRECOGNIZED: throw .invalidField(pointer, "invalid", "This is no place of a failure.")
        }
    }

    var message: PBProjectRule.Place {
        switch self {
        case .message: .message
        case .type: .type
        case .trace: .trace
        case .systemErr: .systemErr
        }
    }
}

extension PBProjectRule {
    init(_ rule: ProjectRule, of project: ID<Project>) {
        self.init()
        id = rule.id.description
        self.project = project.description
        name = rule.draft.name
        category = rule.draft.category.message
        severity = rule.draft.severity.message
        order = Int32(rule.draft.order)
        places = rule.draft.places.map(\.message)
        pattern = rule.draft.pattern.text
        enabled = rule.draft.isEnabled
        version = rule.edition
        overruns = rule.overruns
        if let last = rule.lastOverrun { lastOverrunAt = Google_Protobuf_Timestamp(milliseconds: last) }
    }
}

extension PBRuleEdition {
    init(_ edition: RuleEdition) {
        self.init()
        self.edition = edition.edition
        change =
            switch edition.change {
            case .created: .created
            case .updated: .updated
            case .deleted: .deleted
            case .switchedOff: .switchedOff
            case .learningOn: .learningOn
            case .learningOff: .learningOff
            }
        if let rule = edition.rule { self.rule = rule.description }
        ruleName = edition.ruleName
        changedBy = edition.actor
        changedAt = Google_Protobuf_Timestamp(milliseconds: edition.changedAt)
    }
}

extension PBRuleTest {
    init(_ test: RuleTest) {
        self.init()
        examined = Int32(test.examined)
        matched = Int32(test.matched)
        changed = Int32(test.changed)
        overBudget = Int32(test.overBudget)
        complete = test.isComplete
        patternUs = test.patternTime.components.seconds * 1_000_000 + test.patternTime.components.attoseconds / 1_000_000_000_000
        withoutTexts = Int32(test.withoutTexts)
        matches = test.matches.map { match in
            .with {
                $0.result = match.result.description
                $0.testName = String(match.testName.unicodeScalars.prefix(200))
                $0.evidence = match.evidence
                $0.categoryNow = match.now.message
                $0.categoryThen = match.then.message
                $0.decides = match.decides
                $0.ruleThen = match.rule
            }
        }
    }
}
