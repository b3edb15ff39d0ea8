import CommonAPI
import ExecutionAPI
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.execution.v1.RegressionVerdicts`
struct RegressionVerdictsRPC: PBRegressionVerdicts.SimpleServiceProtocol {
    let judge: RegressionJudge

    func getRegressionVerdict(request: PBGetRegressionVerdictRequest, context: ServerContext) async throws -> PBRegressionVerdict {
        let subject = try await subject(request.run, request.test, request.baseline)
        return PBRegressionVerdict(subject.words, on: subject.test, baseline: subject.line.baseline)
    }

    func putRegressionVerdict(request: PBPutRegressionVerdictRequest, context: ServerContext) async throws -> PBRegressionVerdict {
        let kind = try RegressionVerdict.Kind(said: request.kind)
        guard (1...RegressionVerdict.maxReason).contains(request.reason.unicodeScalars.count), !request.reason.utf8.contains(0) else {
            throw Fault.invalidField("/reason", "invalid", "A reason has 1 to \(RegressionVerdict.maxReason) characters, and no NUL.")
        }
        let commit = request.commitSha
        guard commit.unicodeScalars.count <= RegressionVerdict.maxCommit, !commit.utf8.contains(0) else {
            throw Fault.invalidField("/commit_sha", "invalid", "A commit has up to \(RegressionVerdict.maxCommit) characters, and no NUL.")
        }
        guard commit.isEmpty || kind.isChange else {
            throw Fault.invalidField("/commit_sha", "unexpected", "No commit is the reason of a flake, or of what the environment did.")
        }
        let subject = try await subject(request.run, request.test, request.baseline)
        let pair = subject.pair
        guard try await judge.regressions.isRegression(subject.test, in: pair.span, against: pair.base, tenant: pair.tenant) else {
            throw Fault.notRegressed(subject.test, in: pair.run.id)
        }
        let said = try await add(kind, request.reason, commit: commit, on: subject, version: request.version)
        return said.map { PBRegressionVerdict($0, baseline: subject.line.baseline) } ?? PBRegressionVerdict()
    }

    func deleteRegressionVerdict(request: PBDeleteRegressionVerdictRequest, context: ServerContext) async throws -> PBEmpty {
        _ = try await add(nil, "", on: subject(request.run, request.test, request.baseline), version: request.version)
        return PBEmpty()
    }

    func listRegressionVerdicts(
        request: PBListRegressionVerdictsRequest, context: ServerContext
    ) async throws -> PBListRegressionVerdictsResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let test = try ID<TestIdentity>(request.test, field: "test")
        let pair = try await judge.pair(request.run, baseline: request.baseline).pair
        let line = try pair.line()
        let listed = try await judge.verdicts.list(page, of: test, on: line, tenant: pair.tenant)
        return .with {
            $0.data = listed.items.map { PBRegressionVerdict($0, baseline: line.baseline) }
            $0.page = PBPage(listed)
        }
    }

    private struct Subject {
        let pair: RegressionJudge.Pair
        let line: RegressionVerdict.Line
        let test: ID<TestIdentity>
        let words: RegressionWords
    }

    private func subject(_ run: String, _ test: String, _ baseline: String) async throws -> Subject {
        let test = try ID<TestIdentity>(test, field: "test")
        let pair = try await judge.pair(run, baseline: baseline).pair
        let words = try await judge.words(on: [test], pair)[test] ?? RegressionWords()
        return Subject(pair: pair, line: try pair.line(), test: test, words: words)
    }

    private func add(
        _ kind: RegressionVerdict.Kind?, _ reason: String, commit: String = "", on subject: Subject, version: Int64
    ) async throws -> RegressionVerdict? {
        let word = RegressionVerdictStore.Word(
            test: subject.test, run: subject.pair.run, kind: kind, reason: reason, commit: commit, actor: Caller.current.actor)
        return try await judge.verdicts.add(word, on: subject.line, version: version, holding: subject.words.holding, tenant: subject.pair.tenant)
    }
}
