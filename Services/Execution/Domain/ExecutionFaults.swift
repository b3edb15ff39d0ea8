import Primitives

// Run suites have theirs in their own files; these are the codes of runs, results, uploads and reports.
extension Fault {
    static func noBaseline(branch: String, environment: String) -> Fault {
        let place = environment.isEmpty ? "" : " in the environment \(environment.prefix(100))"
        return Fault(.notFound, "regressions.no_baseline", "No baseline of branch \"\(branch.prefix(255))\"\(place) is in force.")
    }

    static func notReplayable(_ detail: String) -> Fault { Fault(.precondition, "regressions.not_replayable", detail) }

    static func notRegressed(_ test: ID<TestIdentity>, in run: ID<Run>) -> Fault {
        Fault(.notFound, "regression.not_found", "Test \(test) does not fail in run \(run), or it failed in the baseline as well.")
    }

    static func alreadyFinished(_ run: ID<Run>) -> Fault {
        Fault(.precondition, "runs.already_finished", "Run \(run) is finished.")
    }

    static func alreadyStarted(_ run: ID<Run>) -> Fault {
        Fault(.precondition, "runs.already_started", "Run \(run) has begun.")
    }

    static func notAnUploadRun(_ run: ID<Run>) -> Fault {
        Fault(.precondition, "runs.not_an_upload", "Run \(run) is executed by Assay and takes no uploads.")
    }

    /// Said to whoever is not trusted.
    static func laneMismatch(_ run: ID<Run>) -> Fault {
        Fault(.forbidden, "runs.lane_mismatch", "Run \(run) is one of trusted builds; a build of a fork or a pull request has no part in it.")
    }

    static func importMismatch(_ run: ID<Run>) -> Fault {
        Fault(.conflict, "runs.import_mismatch", "Run \(run) did not begin when this upload says: what is imported joins only what began with it.")
    }

    static func pendingCases(_ run: ID<Run>, _ count: Int) -> Fault {
        Fault(.precondition, "runs.pending_cases", "Run \(run) still has \(count) cases to execute; cancel it to end it now.")
    }

    static func otherProject(_ run: ID<Run>) -> Fault {
        Fault(.invalid, "runs.other_project", "Run \(run) belongs to another project; only runs of one project have the same tests.")
    }

    // Uploads

    static let retryMismatch = Fault(
        .invalid, "upload.retry_mismatch", "retry_of names an upload that is none of the run which this one joins.",
        fields: [.init("retry_of", "mismatch", "uploads to the same run")])

    static func formatUnsupported(_ format: String) -> Fault {
        Fault(
            .invalid, "upload.format_unsupported", "Reports of the format \(format.prefix(50)) cannot be read.",
            fields: [.init("format", "unsupported", "auto, " + ReportFormat.allCases.map(\.rawValue).joined(separator: ", "))])
    }

    /// The gateway closes a stream that it cannot carry on; what it sends is in order, so this is a client that speaks to us directly.
    static let partsOutOfOrder = Fault(.invalid, "upload.parts_out_of_order", "An upload is one start, then file, data … and end for each file.")
    static let uploadEmpty = Fault(.invalid, "upload.empty", "The upload holds no file.")

    static func uploadTooLarge(_ what: String) -> Fault {
        Fault(.invalid, "upload.too_large", "The upload is too large: \(what). Send it in several uploads with the same CI key.")
    }

    static func compressionRatio(_ file: String, _ ratio: Int64) -> Fault {
        Fault(.invalid, "upload.compression_ratio", "The file \(file.prefix(200)) unfolds to more than \(ratio) times its size.")
    }

    static func encodingUnsupported(_ encoding: String) -> Fault {
        Fault(.invalid, "upload.encoding_unsupported", "The content encoding \(encoding.prefix(50)) is not supported; send gzip, zstd or none.")
    }

    static func gzipCorrupt(_ file: String) -> Fault {
        Fault(.invalid, "upload.gzip_corrupt", "The file \(file.prefix(200)) is not intact gzip.")
    }

    static func zstdCorrupt(_ file: String, _ what: String) -> Fault {
        Fault(.invalid, "upload.zstd_corrupt", "The file \(file.prefix(200)) is not intact zstd: \(what).")
    }

    static func zipCorrupt(_ file: String, _ what: String) -> Fault {
        Fault(.invalid, "upload.zip_corrupt", "The archive \(file.prefix(200)) is not intact: \(what).")
    }

    static func zipForbidden(_ file: String, _ what: String) -> Fault {
        Fault(.invalid, "upload.zip_forbidden", "The archive \(file.prefix(200)) is refused: \(what).")
    }

    static func rereadingLimit(_ upload: ID<Upload>) -> Fault {
        Fault(
            .precondition, "upload.rereading_limit",
            "Upload \(upload) has more than \(Rereading.mostResults) results and is not read again while you wait.")
    }

    static func uploadNotKept(_ upload: ID<Upload>) -> Fault {
        Fault(.precondition, "upload.not_kept", "The reports of upload \(upload) are not kept and cannot be read again.")
    }

    static let uploadBusy = Fault.unavailable("upload.busy", "Too many uploads are being stored at once.", retryAfter: .seconds(2))

    /// The transaction lost against another one after the client's bytes were gone, so only the client can repeat it.
    static let uploadInterrupted = Fault.unavailable("upload.interrupted", "The upload could not be stored; send it again.")

    static let idempotencyKeyReused = Fault(.conflict, "idempotency.key_reused", "This Idempotency-Key came with another upload before.")

    // Reports

    static func noReport(_ warnings: [Warning]) -> Fault {
        let first = warnings.first.map { " \($0.file.prefix(200)): \($0.detail)" } ?? ""
        return Fault(.invalid, "report.unknown_format", "No file of the upload is a report that can be read.\(first)")
    }

    static func forbidden(_ what: ReportRefusal, file: String, line: Int) -> Fault {
        Fault(.invalid, what.code, "\(file.prefix(200)), line \(line): \(what.detail)")
    }
}
