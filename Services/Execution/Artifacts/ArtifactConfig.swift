import Configuration
import Foundation
import Outbound
import Primitives
import ServiceKit

/// Settings of artifacts: in a folder, or in a bucket when one is named.
struct ArtifactConfig: Sendable {
    /// ASSAY_EXECUTION_ARTIFACTS_FOLDER: where artifacts are, one file system for all processes of this service; with a bucket only where files wait until they
    /// are whole, which is each machine's own. Without folder and bucket artifacts are refused (`artifact.not_configured`), for they would not last.
    let folder: URL

    /// ASSAY_EXECUTION_ARTIFACTS_S3_BUCKET, …_ENDPOINT (`https://s3.eu-central-1.amazonaws.com`), …_REGION, …_ACCESS_KEY, …_SECRET_KEY_FILE: a bucket of any
    /// S3. The key needs s3:PutObject, s3:GetObject and s3:DeleteObject.
    let bucket: S3Client.Settings?

    /// ASSAY_EXECUTION_ARTIFACTS_MAX_BYTES: of one file.
    let maxBytes: Int64

    /// ASSAY_EXECUTION_ARTIFACTS_DAYS: how long they are kept.
    let retention: Duration

    /// ASSAY_EXECUTION_ARTIFACTS_GRACE_SECONDS: how long a content is kept that no artifact has any more.
    let grace: Duration

    /// ASSAY_EXECUTION_ARTIFACTS_SWEEP_SECONDS: how often what is to go is looked for.
    let sweepInterval: Duration

    /// Whether there is a place where artifacts last.
    let isConfigured: Bool

    /// Where files are while they come in: beside the artifacts, so that they can be renamed into their place.
    var incoming: URL { folder.appending(path: "incoming") }

    /// - Throws: `config.…` in words for the operator.
    init(_ reader: ConfigReader) throws {
        let named = reader.string(forKey: "execution.artifacts.folder", default: "")
        let standard = FileManager.default.temporaryDirectory.appending(path: "assay-artifacts").path
        folder = URL(filePath: named.isEmpty ? standard : named, directoryHint: .isDirectory)
        maxBytes = Int64(try ExecutionConfig.number(reader, "execution.artifacts.max.bytes", default: 256 << 20, in: 1...(5 << 30)))
        retention = .seconds(24 * 3600 * (try ExecutionConfig.number(reader, "execution.artifacts.days", default: 90, in: 1...3650)))
        // An hour at least: an upload claims its content before it puts it into the storage.
        grace = .seconds(try ExecutionConfig.number(reader, "execution.artifacts.grace.seconds", default: 86_400, in: 3_600...31_536_000))
        sweepInterval = .seconds(try ExecutionConfig.number(reader, "execution.artifacts.sweep.seconds", default: 600, in: 1...86_400))
        bucket = try Self.bucket(reader)
        isConfigured = bucket != nil || !named.isEmpty
    }

    private static func bucket(_ reader: ConfigReader) throws -> S3Client.Settings? {
        let name = reader.string(forKey: "execution.artifacts.s3.bucket", default: "")
        guard !name.isEmpty else { return nil }
        var endpoint = reader.string(forKey: "execution.artifacts.s3.endpoint", default: "")
        while endpoint.hasSuffix("/") { endpoint.removeLast() }
        guard endpoint.hasPrefix("https://") || endpoint.hasPrefix("http://") else {
            throw ConfigFault("ASSAY_EXECUTION_ARTIFACTS_S3_ENDPOINT must be the URL of an S3: https://s3.eu-central-1.amazonaws.com")
        }
        guard let secret = try reader.secret(forKey: "execution.artifacts.s3.secret.key") else {
            throw ConfigFault("ASSAY_EXECUTION_ARTIFACTS_S3_SECRET_KEY_FILE must name the file that holds the secret key")
        }
        return S3Client.Settings(
            endpoint: endpoint, bucket: name, region: reader.string(forKey: "execution.artifacts.s3.region", default: "us-east-1"),
            accessKey: reader.string(forKey: "execution.artifacts.s3.access.key", default: ""), secretKey: secret)
    }
}

extension ArtifactConfig {
    func storage() -> any ArtifactStorage {
        if let bucket { S3Storage(bucket: S3Client(bucket)) } else { DiskStorage(root: folder) }
    }
}
