import ExecutionAPI
import Foundation
import Primitives
import ServiceKit
import SwiftProtobuf

extension UploadDraft {
    init(_ message: PBUploadStart, lane: Lane, now: Date) throws(Fault) {
        var retryOf: [ID<Upload>] = []
        for text in message.retryOf { retryOf.append(try ID(text, field: "retry_of")) }
        try self.init(
            project: ID(message.project, field: "project"), format: message.format, ci: Run.CI(message.ci), name: message.name,
            branch: message.branch, commit: message.commitSha, environment: message.environment, tags: message.tags,
            retryOf: retryOf, lane: lane)
        if message.hasExitCode {
            try Self.check("/command", message.command, 200)
            ended = EndedCommand(code: try ExitCode(Int(message.exitCode)), name: message.command)
        }
        past = try PastRun(
            startedAt: message.hasStartedAt ? message.startedAt.date : nil, finishedAt: message.hasFinishedAt ? message.finishedAt.date : nil,
            now: now)
        keepsReports = !message.storageExhausted
    }
}

extension UploadInput {
    /// - Throws: `upload.parts_out_of_order` for a second start, or nothing at all.
    init(_ message: PBUploadPart) throws(Fault) {
        switch message.part {
        case .file(let file): self = .file(name: file.name, encoding: file.contentEncoding)
        case .data(let data): self = .data(data)
        case .end: self = .end
        case .start, nil: throw .partsOutOfOrder
        }
    }
}

extension PBUpload {
    init(_ upload: Upload) {
        self.init()
        id = upload.id.description
        project = upload.project.description
        run = upload.run.description
        state = .stored
        accepted = Int64(upload.accepted)
        rejected = Int64(upload.rejected)
        warnings = upload.warnings.map(PBWarning.init)
        files = upload.files.map(PBUploadedFile.init)
        createdAt = Google_Protobuf_Timestamp(milliseconds: upload.createdAt)
        codeOwners = upload.codeOwners?.description ?? ""
        attempt = Int32(upload.attempt)
        retryOf = upload.retryOf.map(\.description)
    }
}

extension PBUploadReceipt {
    init(_ receipt: UploadReceipt) {
        self.init()
        uploadID = receipt.upload.id.description
        runID = receipt.upload.run.description
        accepted = Int64(receipt.upload.accepted)
        rejected = Int64(receipt.upload.rejected)
        warnings = receipt.upload.warnings.map(PBWarning.init)
        duplicate = receipt.duplicate
        runState = PBRun.State(receipt.runState)
    }
}

extension PBUploadedFile {
    init(_ file: UploadedFile) {
        self.init()
        name = file.name
        wireBytes = file.wireBytes
        decodedBytes = file.decodedBytes
        sha256 = file.sha256
        format = file.format?.rawValue ?? ""
        if let count = file.accepted { accepted = Int64(count) }
        if let count = file.rejected { rejected = Int64(count) }
    }
}

extension PBWarning {
    init(_ warning: Warning) {
        self.init()
        file = warning.file
        line = Int32(clamping: warning.line)
        code = warning.code
        detail = warning.detail
    }
}
