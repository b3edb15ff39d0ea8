import CommonAPI
import Foundation
import GRPCCore
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

/// `assay.validation.v1.LogPatterns`
struct LogPatternsRPC: PBLogPatterns.SimpleServiceProtocol {
    let patterns: LogPatternStore
    let analysis: LogAnalysis

    func listRunLogPatterns(request: PBListRunLogPatternsRequest, context: ServerContext) async throws -> PBListRunLogPatternsResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let (filter, after) = (try LogFilter(request), try RunLogCursor(page.cursor))
        let caller = Caller.current
        let id = try ID<Run>(request.run, field: "run")
        var run = try await patterns.run(id, tenant: caller.tenant)
        try caller.require(project: run.project)
        let all = try await patterns.patterns(of: id, &run, tenant: caller.tenant)
        let rest = all.filter { found in
            (!filter.onlyNew || found.isNew == true) && filter.takes(found.level, found.category, found.template)
                && after.map { $0.isBefore(found) } ?? true
        }
        let listed = Page(rows: Array(rest.prefix(page.limit + 1)), limit: page.limit) { RunLogCursor($0).description }
        return .with {
            $0.data = listed.items.map { PBRunLogPattern($0, of: id) }
            $0.page = PBPage(listed)
            $0.logs = PBRunLogs(run.logs)
        }
    }

    func listLogPatterns(request: PBListLogPatternsRequest, context: ServerContext) async throws -> PBListLogPatternsResponse {
        let page = try PageRequest(limit: Int(request.limit), cursor: request.cursor)
        let scope = try ProjectScope(request.project, for: Caller.current)
        let listed = try await patterns.list(page, LogFilter(request), by: LogPatternSort(request.sort), scope)
        return .with {
            $0.data = listed.items.map { PBLogPattern($0, of: scope.project) }
            $0.page = PBPage(listed)
        }
    }

    func getLogPattern(request: PBGetLogPatternRequest, context: ServerContext) async throws -> PBLogPatternHistory {
        let scope = try ProjectScope(request.project, for: Caller.current)
        let pattern = try await patterns.get(ID(request.pattern, field: "pattern"), scope)
        let days = try await patterns.days(of: pattern.id, scope)
        let runs = try await patterns.runs(of: pattern.id, scope)
        return .with {
            $0.pattern = PBLogPattern(pattern, of: scope.project)
            $0.days = days.map { day in
                .with {
                    $0.day = day.day
                    $0.lines = day.lines
                }
            }
            $0.recentRuns = runs.map(PBLogPatternRun.init)
        }
    }

    func analyseLog(request: PBAnalyseLogRequest, context: ServerContext) async throws -> PBAnalyseLogResponse {
        guard !request.text.isEmpty, request.text.utf8.count <= LogBounds.text else {
            throw Fault.invalidField("/text", "too_long", "A text of 1 byte to \(LogBounds.text) bytes is analysed.")
        }
        let scope = try ProjectScope(request.project, for: Caller.current)
        return try await PBAnalyseLogResponse(analysis.patterns(of: request.text, scope))
    }
}

/// `assay.validation.v1.LogIntake`: where Execution delivers logs.
struct LogIntakeRPC: PBLogIntake.SimpleServiceProtocol {
    let analysis: LogAnalysis

    func submitLog(request: PBSubmitLogRequest, context: ServerContext) async throws -> PBEmpty {
        try await analysis.record(Array(request.text), of: LogPiece(request, tenant: Caller.current.tenant))
        return PBEmpty()
    }
}

extension PBAnalyseLogResponse {
    init(_ found: LogAnalysis.Answer) {
        self.init()
        data = found.patterns.map { pattern in
            .with {
                $0.pattern = pattern.known?.description ?? ""
                $0.template = pattern.template
                $0.level = pattern.level.message
                if let known = pattern.category { $0.category = known.message }
                $0.lines = pattern.lines
                $0.sample = pattern.sample
            }
        }
        lines = found.lines
        otherLines = found.otherLines
    }
}
