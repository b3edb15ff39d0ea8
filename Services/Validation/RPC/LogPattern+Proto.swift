import CommonAPI
import Foundation
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

extension LogLevel {
    /// - Throws: `request.invalid` at `level`.
    init(_ message: PBLogLevel.Value) throws(Fault) {
        switch message {
        case .trace: self = .trace
        case .debug: self = .debug
        case .info: self = .info
        case .warn: self = .warn
        case .error: self = .error
        case .fatal: self = .fatal
        case .unknown: self = .unknown
        case .logLevelUnspecified, .UNRECOGNIZED: throw .invalidField("level", "invalid", "This is no level.")
        }
    }

    var message: PBLogLevel.Value {
        switch self {
        case .trace: .trace
        case .debug: .debug
        case .info: .info
        case .warn: .warn
        case .error: .error
        case .fatal: .fatal
        case .unknown: .unknown
        }
    }
}

extension LogPatternSort {
    /// - Throws: `request.invalid` at `sort`.
    init(_ message: PBLogPatternSort.Value) throws(Fault) {
        switch message {
        case .lastSeen, .logPatternSortUnspecified: self = .lastSeen
        case .lines: self = .lines
        case .id: self = .id
        case .UNRECOGNIZED: throw .invalidField("sort", "invalid", "This is no order.")
        }
    }
}

extension LogFilter {
    init(_ message: PBListRunLogPatternsRequest) throws {
        self.init(levels: try message.level.map { try LogLevel($0) }, categories: try message.category.map { try Category($0) })
        onlyNew = message.onlyNew
    }

    init(_ message: PBListLogPatternsRequest) throws {
        self.init(
            levels: try message.level.map { try LogLevel($0) }, categories: try message.category.map { try Category($0) },
            text: try message.text.bounded(200, at: "text"))
    }
}

extension LogPiece {
    init(_ message: PBSubmitLogRequest, tenant: ID<Tenant>) throws(Fault) {
        guard message.text.count <= LogBounds.piece else {
            throw .invalidField("/text", "too_long", "A piece has at most \(LogBounds.piece) bytes.")
        }
        self.init(
            scope: ProjectScope(tenant: tenant, project: try ID(message.project, field: "/project")), run: try ID(message.run, field: "/run"),
            artifact: try ID(message.artifact, field: "/artifact"), number: message.piece, isLast: message.isLast, isCut: message.isCut,
            isUnreadable: message.isUnreadable, isTrusted: try Lane(message.lane) == .trusted,
            branch: message.branch, startedAt: message.startedAt.date)
    }
}

extension PBLogPattern {
    init(_ pattern: LogPattern, of project: ID<Project>) {
        self.init()
        id = pattern.id.description
        self.project = project.description
        template = pattern.template
        level = pattern.level.message
        if let known = pattern.category { category = known.message }
        lines = pattern.lines
        runs = pattern.runs
        firstSeenAt = Google_Protobuf_Timestamp(milliseconds: pattern.firstSeen)
        lastSeenAt = Google_Protobuf_Timestamp(milliseconds: pattern.lastSeen)
        lastRun = pattern.lastRun.description
        sample = pattern.sample
        overruled = pattern.said != nil
        if pattern.said != nil, let machine = pattern.judged { judgedCategory = machine.message }
        if let receipt = pattern.receipt { self.receipt = PBLogReceipt(receipt) }
    }
}

extension PBRunLogPattern {
    init(_ pattern: RunLogPattern, of run: ID<Run>) {
        self.init()
        id = pattern.id.description
        self.run = run.description
        template = pattern.template
        level = pattern.level.message
        if let known = pattern.category { category = known.message }
        lines = pattern.lines
        sample = pattern.sample
        if let new = pattern.isNew { isNew = new }
        seenInRuns = pattern.seenIn
        known = pattern.isKnown
        overruled = pattern.said != nil
    }
}

extension PBRunLogs {
    init(_ all: RunLogs) {
        self.init()
        logs = all.logs
        lines = all.lines
        otherLines = all.otherLines
        cutLogs = all.cutLogs
        unreadableLogs = all.unreadableLogs
        comparedRuns = all.comparedRuns
        comparedBranch = all.comparedBranch
        recentRuns = all.recentRuns
        comparedInPart = all.comparedInPart
        comparedWith = all.comparedWith.map(\.description)
        edition = LogNovelty.edition
        inputSha256 = all.noveltyHash?.map { String(UInt16($0) + 256, radix: 16).dropFirst() }.joined() ?? ""
    }
}

extension PBLogPatternRun {
    init(_ sighting: LogPatternStore.Sighting) {
        self.init()
        run = sighting.run.description
        startedAt = Google_Protobuf_Timestamp(milliseconds: sighting.startedAt)
        branch = sighting.branch
        lines = sighting.lines
    }
}
