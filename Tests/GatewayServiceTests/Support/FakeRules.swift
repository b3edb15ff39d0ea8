import Audit
import CommonAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf
import Synchronization
import ValidationAPI

@testable import GatewayService

/// One rule of a project, kept by its edition as Validation keeps it, and drafts that were tried.
final class FakeRules: PBProjectRules.SimpleServiceProtocol {
    struct State: Sendable {
        var rules: [PBProjectRule] = []
        var edition: Int64 = 0
        var tried: [PBTestProjectRuleRequest] = []
    }

    let state = Mutex(State())

    private func checked(_ draft: PBRuleDraft) throws(Fault) -> PBProjectRule {
        guard !draft.pattern.hasPrefix("(") else {
            throw .invalidField("/draft/pattern", "invalid_pattern", "At byte 1: missing closing parenthesis.")
        }
        guard (0...1000).contains(draft.order) else { throw .invalidField("/draft/order", "out_of_range", "The order is from 1 to 1,000.") }
        return .with {
            $0.name = draft.name
            $0.category = draft.category
            $0.severity = draft.severity
            $0.order = draft.order
            $0.places = draft.places
            $0.pattern = draft.pattern
            $0.enabled = draft.enabled
        }
    }

    func listProjectRules(request: PBListProjectRulesRequest, context: ServerContext) async throws -> PBListProjectRulesResponse {
        .with { $0.data = state.withLock { $0.rules } }
    }

    func createProjectRule(request: PBCreateProjectRuleRequest, context: ServerContext) async throws -> PBProjectRule {
        AuditedCall.changedNothing()
        var rule = try checked(request.draft)
        return try state.withLock { state in
            guard !state.rules.contains(where: { $0.name == rule.name }) else {
                throw Fault(
                    .conflict, "rules.name_taken", "Another rule of the project is called \(rule.name).",
                    fields: [.init("/draft/name", "taken", "Choose another.")])
            }
            state.edition += 1
            rule.id = "rul_\(state.edition)"
            rule.version = state.edition
            state.rules.append(rule)
            return rule
        }
    }

    func getProjectRule(request: PBGetProjectRuleRequest, context: ServerContext) async throws -> PBProjectRule {
        guard let rule = state.withLock({ $0.rules.first { $0.id == request.rule } }) else { throw Fault.notFound("rule", request.rule) }
        return rule
    }

    func putProjectRule(request: PBPutProjectRuleRequest, context: ServerContext) async throws -> PBProjectRule {
        AuditedCall.changedNothing()
        var rule = try checked(request.draft)
        return try state.withLock { state in
            guard let index = state.rules.firstIndex(where: { $0.id == request.rule }) else { throw Fault.notFound("rule", request.rule) }
            guard state.rules[index].version == request.version else { throw Fault.versionStale }
            state.edition += 1
            rule.id = request.rule
            rule.version = state.edition
            state.rules[index] = rule
            return rule
        }
    }

    func deleteProjectRule(request: PBDeleteProjectRuleRequest, context: ServerContext) async throws -> PBEmpty {
        AuditedCall.changedNothing()
        try state.withLock { state in
            guard let index = state.rules.firstIndex(where: { $0.id == request.rule }) else { throw Fault.notFound("rule", request.rule) }
            guard state.rules[index].version == request.version else { throw Fault.versionStale }
            state.edition += 1
            state.rules.remove(at: index)
        }
        return PBEmpty()
    }

    func listRuleEditions(request: PBListRuleEditionsRequest, context: ServerContext) async throws -> PBListRuleEditionsResponse {
        .with {
            $0.data = [
                .with {
                    $0.edition = 1
                    $0.change = .created
                    $0.ruleName = "Sandbox"
                }
            ]
        }
    }

    func getRuleEdition(request: PBGetRuleEditionRequest, context: ServerContext) async throws -> PBListProjectRulesResponse {
        guard request.edition == "1" else { throw Fault.notFound("rule_edition", request.edition) }
        return .with {
            $0.data = state.withLock { $0.rules }
            $0.edition = 1
        }
    }

    func testProjectRule(request: PBTestProjectRuleRequest, context: ServerContext) async throws -> PBRuleTest {
        _ = try checked(request.draft)
        state.withLock { $0.tried.append(request) }
        return .with {
            $0.examined = 1000
            $0.matched = 25
            $0.changed = 25
            $0.complete = true
            $0.matches = (0..<25).map { index in
                .with {
                    $0.result = "res_\(index)"
                    $0.testName = "pays \(index)"
                    $0.evidence = "sandbox.pay.example: connection refused"
                    $0.categoryNow = .network
                    $0.categoryThen = .environment
                    $0.decides = true
                }
            }
        }
    }
}

/// Judging again, once at a time.
final class FakeJudgings: PBRecategorisations.SimpleServiceProtocol {
    private let judgings = Mutex<[PBRecategorisation]>([])

    func recategoriseFailures(request: PBRecategoriseFailuresRequest, context: ServerContext) async throws -> PBRecategorisation {
        AuditedCall.changedNothing()
        return try judgings.withLock { judgings in
            guard !judgings.contains(where: { $0.state == .running }) else {
                throw Fault(.conflict, "recategorisations.under_way", "The failures of this project are being judged again already.")
            }
            let judging = PBRecategorisation.with {
                $0.id = "rec_1"
                $0.state = .running
                $0.done = 500
                $0.total = 2000
            }
            judgings.append(judging)
            return judging
        }
    }

    func getRecategorisation(request: PBGetRecategorisationRequest, context: ServerContext) async throws -> PBRecategorisation {
        throw Fault.notFound("recategorisation", request.recategorisation)
    }

    func listRecategorisations(request: PBListRecategorisationsRequest, context: ServerContext) async throws -> PBListRecategorisationsResponse {
        .with { $0.data = judgings.withLock { $0 } }
    }
}
