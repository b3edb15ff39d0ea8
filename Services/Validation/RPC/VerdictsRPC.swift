import CommonAPI
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

/// `assay.validation.v1.Verdicts`
struct VerdictsRPC: PBVerdicts.SimpleServiceProtocol {
    let failures: FailureStore
    let symptoms: SymptomStore
    let rules: RuleStore
    let verdicts: VerdictStore

    func getReceipt(request: PBGetReceiptRequest, context: ServerContext) async throws -> PBReceipt {
        try await PBReceipt(receipt(request.result))
    }

    func replayFailure(request: PBReplayFailureRequest, context: ServerContext) async throws -> PBReplay {
        let tenant = Caller.current.tenant
        let receipt = try await receipt(request.result)
        guard let hash = receipt.hash, let seen = try await symptoms.find(hash, tenant: tenant), seen.hash == hash else {
            throw Fault.notReplayable("What the rules saw of this failure was not kept.")
        }
        guard let everybody = Rulebook.everybody(in: receipt.edition.builtIn) else {
            throw Fault.notReplayable("This release no longer has edition \(receipt.edition.builtIn) of the rules that everybody has.")
        }
        let book = try await rules.book(of: receipt.project, edition: receipt.edition.project, builtIn: everybody, tenant: tenant)
        let judged = book.judge(seen).judgement
        guard book.isUndecided(judged) else { return PBReplay(receipt, again: judged) }
        return PBReplay(receipt, again: try await learned(receipt, seen, by: book) ?? judged)
    }

    /// What people had filed when it was judged says the same as then.
    /// - Returns: `nil` when it was not compared, or could not tell.
    private func learned(_ receipt: Receipt, _ seen: Symptoms, by book: Rulebook) async throws -> Judgement? {
        guard receipt.edition.learned > 0 else { return nil }
        guard receipt.edition.learned == LearnedStep.edition else {
            throw Fault.notReplayable("This release no longer has edition \(receipt.edition.learned) of the learned step.")
        }
        var book = book
        book.lessons = receipt.edition.lessons
        var signer = FailureSigner()
        let signature = seen.signature(by: &signer, className: receipt.className, test: receipt.testName)
        return try await rules.lessons.step(for: book, of: receipt.project, tenant: Caller.current.tenant)?.judge(signature, of: receipt.result)
    }

    func getVerdict(request: PBGetVerdictRequest, context: ServerContext) async throws -> PBVerdict {
        let result = try await failure(request.result)
        return try await PBVerdict(verdicts.get(result, tenant: Caller.current.tenant))
    }

    func putVerdict(request: PBPutVerdictRequest, context: ServerContext) async throws -> PBVerdict {
        let caller = Caller.current
        let category = try Category(request.category, at: "/category")
        let severity = try Severity.given(request.severity, at: "/severity")
        guard request.note.unicodeScalars.count <= Verdict.maxNote else {
            throw Fault.invalidField("/note", "too_long", "A note has at most \(Verdict.maxNote) characters.")
        }
        guard !request.note.utf8.contains(0) else { throw Fault.invalidField("/note", "invalid_character", "A note must not hold a NUL.") }
        let result = try await failure(request.result)
        return try await PBVerdict(
            verdicts.put(
                category, severity, note: request.note, on: result, version: request.version, by: caller.actor, tenant: caller.tenant))
    }

    func deleteVerdict(request: PBDeleteVerdictRequest, context: ServerContext) async throws -> PBEmpty {
        let caller = Caller.current
        try await verdicts.delete(on: failure(request.result), version: request.version, by: caller.actor, tenant: caller.tenant)
        return PBEmpty()
    }

    func listVerdicts(request: PBListVerdictsRequest, context: ServerContext) async throws -> PBListVerdictsResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let listed = try await verdicts.list(page, of: failure(request.result), tenant: Caller.current.tenant)
        return .with {
            $0.data = listed.items.map(PBVerdict.init)
            $0.page = PBPage(listed)
        }
    }

    private func receipt(_ text: String) async throws -> Receipt {
        let caller = Caller.current
        let receipt = try await failures.receipt(of: ID(text, field: "result"), tenant: caller.tenant)
        try caller.require(project: receipt.project)
        return receipt
    }

    /// - Returns: its result, when the caller may see its project.
    private func failure(_ text: String) async throws -> ID<Result> {
        try await receipt(text).result
    }
}
