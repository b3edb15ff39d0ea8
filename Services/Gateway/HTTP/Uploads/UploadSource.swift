import ExecutionAPI
import Foundation
import GRPCCore
import NIOCore
import Primitives
import SwiftProtobuf

/// The parts of an upload in the order that Execution takes them: `start`, then for each file `file`, `data`…, `end`.
struct UploadSource: Sendable {
    /// 256 KiB, the largest chunk that the contract allows.
    static let chunk = 256 * 1024

    let content: UploadContent
    let deadline: ContinuousClock.Instant

    /// The next piece of the body.
    /// - Throws: `upload.too_large`, `request.too_slow`.
    private func next() async throws -> ByteBuffer? {
        guard ContinuousClock.now < deadline else { throw Fault.bodyTooSlow }
        return try await content.next()
    }

    /// One report, straight from the client to the service: nothing is kept here, and a slow service slows the client down.
    func sendReport(named name: String, encoding: String, start: PBUploadStart, to writer: RPCWriter<PBUploadPart>) async throws {
        try await writer.write(.with { $0.start = start })
        try await writer.write(.file(name, encoding: encoding))
        while let piece = try await next() { try await Self.send(piece, to: writer) }
        try await writer.write(.with { $0.end = PBFileEnd() })
    }

    /// A file of a multipart body, in the spool.
    struct File: Sendable {
        let name: String
        let encoding: String
        var range: Range<Int>
    }

    /// Reads a multipart body to its end.
    /// - Throws: faults of the parser and of the fields, `upload.no_files`.
    func readMultipart(boundary: String, fields: UploadFields) async throws -> (fields: UploadFields, files: [File], spool: Spool) {
        var parser = MultipartParser(boundary: boundary)
        var fields = fields
        let spool = Spool()
        var files: [File] = []
        var field: (name: String, value: ByteBuffer)?
        while let piece = try await next() {
            parser.append(piece)
            while let event = try parser.next() {
                switch event {
                case .part(let headers) where headers.isReport:
                    files.append(
                        File(name: headers.filename ?? headers.name, encoding: try headers.encoding(), range: spool.count..<spool.count))
                case .part(let headers): field = (headers.name, ByteBuffer())
                case .data(var bytes):
                    if field != nil {
                        guard (field?.value.readableBytes ?? 0) + bytes.readableBytes <= UploadFields.maxValueBytes else {
                            throw Fault.parameterInvalid(field?.name ?? "", "at most \(UploadFields.maxValueBytes) bytes")
                        }
                        field?.value.writeBuffer(&bytes)
                    } else {
                        try await spool.append(bytes)
                        files[files.count - 1].range = files[files.count - 1].range.lowerBound..<spool.count
                    }
                case .endOfPart:
                    if let done = field {
                        guard let value = String(validating: done.value.readableBytesView, as: UTF8.self) else {
                            throw Fault.parameterInvalid(done.name, "UTF-8 text")
                        }
                        try fields.set(done.name, to: value)
                        field = nil
                    }
                case .end: break
                }
            }
        }
        try parser.finish()
        // How the command ended is worth an upload by itself, unless it ended well.
        guard !files.isEmpty || fields.exitCode ?? 0 != 0 else { throw Fault.uploadEmpty }
        return (fields, files, spool)
    }

    static func sendFiles(_ files: [File], from spool: Spool, start: PBUploadStart, to writer: RPCWriter<PBUploadPart>) async throws {
        try await writer.write(.with { $0.start = start })
        for file in files {
            try await writer.write(.file(file.name, encoding: file.encoding))
            var offset = file.range.lowerBound
            while offset < file.range.upperBound {
                let piece = try await spool.read(offset..<min(offset + chunk, file.range.upperBound))
                offset += piece.readableBytes
                try await send(piece, to: writer)
            }
            try await writer.write(.with { $0.end = PBFileEnd() })
        }
    }

    private static func send(_ piece: ByteBuffer, to writer: RPCWriter<PBUploadPart>) async throws {
        var piece = piece
        while piece.readableBytes > 0, let slice = piece.readSlice(length: min(chunk, piece.readableBytes)) {
            try await writer.write(.with { $0.data = Data(slice.readableBytesView) })
        }
    }
}

extension PBUploadPart {
    fileprivate static func file(_ name: String, encoding: String) -> PBUploadPart {
        .with {
            $0.file = .with {
                $0.name = name
                $0.contentEncoding = encoding
            }
        }
    }
}

extension UploadFields {
    func start(project: String, storageExhausted: Bool) -> PBUploadStart {
        .with {
            $0.project = project
            $0.storageExhausted = storageExhausted
            $0.format = format.isEmpty ? "auto" : format
            $0.branch = branch
            $0.commitSha = commit
            $0.environment = environment
            $0.name = name
            $0.tags = tags
            $0.retryOf = retryOf
            if let exitCode { $0.exitCode = exitCode }
            $0.command = command
            if let startedAt { $0.startedAt = startedAt }
            if let finishedAt { $0.finishedAt = finishedAt }
            $0.ci = .with {
                $0.name = ci.name
                $0.key = ci.key
                $0.number = ci.number
                $0.url = ci.url
                $0.jobID = ci.jobID
                $0.message = ci.message
            }
        }
    }
}
