import CommonAPI
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

/// `assay.validation.v1.LogPatternVerdicts`
struct LogPatternVerdictsRPC: PBLogPatternVerdicts.SimpleServiceProtocol {
    let patterns: LogPatternStore
    let rules: RuleStore
    let verdicts: LogVerdictStore

    func replayLogPattern(request: PBReplayLogPatternRequest, context: ServerContext) async throws -> PBLogReplay {
        let scope = try ProjectScope(request.project, for: Caller.current)
        let pattern = try await patterns.get(ID(request.pattern, field: "pattern"), scope)
        guard let receipt = pattern.receipt else {
            throw Fault.logPatternNotReplayable("It was judged before it was kept by which rules. failures:recategorise judges it with a receipt.")
        }
        guard LogRules.symptoms(pattern.sample).hash == receipt.judged.hash else {
            throw Fault.logPatternNotReplayable("The line that is kept is not the one that was judged: its hash is another.")
        }
        let edition = receipt.judged.edition
        guard let everybody = Rulebook.everybody(in: edition.builtIn) else {
            throw Fault.logPatternNotReplayable("This release no longer has edition \(edition.builtIn) of the rules that everybody has.")
        }
        let book = try await rules.book(of: scope.project, edition: edition.project, builtIn: everybody, tenant: scope.tenant)
        var asked = LogRules(book)
        return PBLogReplay(LogReplay(receipt: receipt, again: asked.judge(pattern.sample, pattern.level).judgement))
    }

    func getLogPatternVerdict(request: PBGetLogPatternVerdictRequest, context: ServerContext) async throws -> PBLogPatternVerdict {
        let scope = try ProjectScope(request.project, for: Caller.current)
        return try await PBLogPatternVerdict(verdicts.get(ID(request.pattern, field: "pattern"), scope))
    }

    func putLogPatternVerdict(request: PBPutLogPatternVerdictRequest, context: ServerContext) async throws -> PBLogPatternVerdict {
        let caller = Caller.current
        let scope = try ProjectScope(request.project, for: caller)
        let category = try Category(request.category, at: "/category")
        guard (1...LogVerdict.maxReason).contains(request.reason.unicodeScalars.count), !request.reason.utf8.contains(0) else {
            throw Fault.invalidField("/reason", "invalid", "A reason has 1 to \(LogVerdict.maxReason) characters, and no NUL.")
        }
        let pattern = try ID<LogPattern>(request.pattern, field: "pattern")
        return try await PBLogPatternVerdict(
            verdicts.put(category, reason: request.reason, on: pattern, version: request.version, by: caller.actor, scope))
    }

    func deleteLogPatternVerdict(request: PBDeleteLogPatternVerdictRequest, context: ServerContext) async throws -> PBEmpty {
        let caller = Caller.current
        let scope = try ProjectScope(request.project, for: caller)
        try await verdicts.delete(on: ID(request.pattern, field: "pattern"), version: request.version, by: caller.actor, scope)
        return PBEmpty()
    }

    func listLogPatternVerdicts(
        request: PBListLogPatternVerdictsRequest, context: ServerContext
    ) async throws -> PBListLogPatternVerdictsResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let scope = try ProjectScope(request.project, for: Caller.current)
        let listed = try await verdicts.list(page, of: ID(request.pattern, field: "pattern"), scope)
        return .with {
            $0.data = listed.items.map(PBLogPatternVerdict.init)
            $0.page = PBPage(listed)
        }
    }
}
