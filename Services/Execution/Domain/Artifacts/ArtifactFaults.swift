import Primitives

/// Artifacts.
extension Fault {
    static let artifactPartsOutOfOrder = Fault(
        .invalid, "artifact.parts_out_of_order", "Artifacts are one start, then file, data … and end for each file.")

    static func artifactName(_ limit: Int) -> Fault {
        Fault(
            .invalid, "artifact.name_invalid", "The name of an artifact has 1 to \(limit) bytes.",
            fields: [.init("name", "invalid", "1 to \(limit) bytes")])
    }

    static func artifactTooLarge(_ limit: Int64) -> Fault {
        Fault(.invalid, "artifact.too_large", "The file is larger than \(limit) bytes.")
    }

    static func imageTooLarge(_ size: PixelSize) -> Fault {
        Fault(
            .invalid, "artifact.image_too_large",
            "The picture says that it is \(size.width) by \(size.height) pixels; at most \(PixelSize.mostPixels) are taken.")
    }

    static func videoTooLarge(_ size: PixelSize) -> Fault {
        Fault(
            .invalid, "artifact.video_too_large",
            "The recording says that it is \(size.width) by \(size.height) pixels; at most \(PixelSize.mostPixels) are taken.")
    }

    static func artifactsTooMany(_ run: ID<Run>, _ limit: Int) -> Fault {
        Fault(.precondition, "artifact.too_many", "Run \(run) has \(limit) artifacts, which is as many as a run may have.")
    }

    static func artifactOtherRun(_ result: ID<TestResult>, _ run: ID<Run>) -> Fault {
        Fault(
            .invalid, "artifact.other_run", "Result \(result) does not belong to run \(run).",
            fields: [.init("result", "other_run", "a result of the run")])
    }

    /// The row is there and the bytes are not: somebody has been at the storage.
    static let artifactContentMissing = Fault(.internal, "artifact.content_missing", "The content of the artifact is not in the storage.")

    static let storageFull = Fault.unavailable("storage_full", "There is no space for files at the moment.", retryAfter: .seconds(30))

    static let storageUnavailable = Fault.unavailable(
        "artifact.storage_unavailable", "The storage of files cannot be reached.", retryAfter: .seconds(5))

    static let artifactsNotConfigured = Fault.unavailable(
        "artifact.not_configured", "This installation keeps no artifacts.", retryAfter: .seconds(3_600))

    /// The same code as the gateway's for what is too often (429): what does not fit is too large (413), because waiting does not help.
    static func storageQuotaExceeded(_ policy: String, _ limit: Int64) -> Fault {
        let kind = FaultKind.invalid
        return Fault(
            kind, "quota_exceeded", "The organization has used up its quota \"\(policy)\" of \(limit): the file is not kept.",
            fields: [.init("policy", "violated", policy)])
    }
}
