import Foundation
import Jobs
import Outbound
import Primitives
import TestSupport
import Testing

@testable import ExecutionService

/// One after the other: a sweep two hours later takes what another test is just putting.
@Suite("Artifacts in a bucket", .serialized, .database(ExecutionProgram.schema, JobSchema.schema))
struct S3StorageTests {
    private static func storage(_ endpoint: String, bucket: String = "assay") -> S3Storage {
        S3Storage(
            bucket: S3Client(
                .init(endpoint: endpoint, bucket: bucket, region: "eu-central-1", accessKey: "key", secretKey: Secret("secret"))))
    }

    @Test("what is put is one object that is read in ranges, and gone when it is deleted and swept")
    func whole() async throws {
        try await MotoServer.with(bucket: "assay") { moto in
            let fixture = ArtifactFixture(storage: Self.storage(moto.url))
            defer { fixture.remove() }
            let run = try await fixture.run()
            // Larger than what one request reads.
            let data = Data((0..<2_500_000).map { UInt8(truncatingIfNeeded: $0 &* 131 >> 5) })
            let taken = try await fixture.send([.init(name: "a", type: "", data: data), .init(name: "b", type: "", data: data)], to: run).taken
            let read = try await fixture.content(taken[0])
            let part = try await fixture.content(taken[1], 1_048_000..<2_097_500)
            #expect(read == data && part == data[1_048_000..<2_097_500])
            let object = taken[0].content.key(of: fixture.tenant)
            let bucket = Self.storage(moto.url).bucket
            let present = try bucket.get(object, 0..<1)
            #expect(present == data.prefix(1))
            for artifact in taken { try await fixture.artifacts.delete(artifact, tenant: fixture.tenant) }
            try await fixture.sweep().round(now: Date().addingTimeInterval(7_200))
            let absent = try bucket.get(object, 0..<1)
            #expect(absent == nil)
            await #expect(throws: Fault.artifactContentMissing) { _ = try await fixture.content(taken[0]) }
            try await fixture.storage.delete(taken[0].content.key(of: fixture.tenant))
        }
    }

    @Test("requests are signed, with the hash of what they carry, and nothing is asked of a key that is not there")
    func signed() async throws {
        let server = try await LoopbackServer.start { _ in .text("") }
        defer { server.stop() }
        let fixture = ArtifactFixture(storage: Self.storage("http://127.0.0.1:\(server.port)"))
        defer { fixture.remove() }
        let artifact = try await fixture.send([.init()], to: fixture.run()).taken[0]
        try await fixture.storage.delete(artifact.content.key(of: fixture.tenant))
        let requests = server.requests
        #expect(requests.map(\.method) == ["PUT", "DELETE"])
        let put = try #require(requests.first)
        #expect(put.target == "/assay/\(artifact.content.key(of: fixture.tenant))" && put.body == Data("hello".utf8))
        let signature = put.header("authorization") ?? ""
        #expect(signature.hasPrefix("AWS4-HMAC-SHA256 Credential=key/") && signature.contains("/eu-central-1/s3/aws4_request"))
        #expect(signature.contains("host;x-amz-content-sha256;x-amz-date"))
        #expect(put.header("x-amz-content-sha256") == artifact.content.hex)
    }

    @Test("a bucket that is away, full or forbidden makes an upload that can be repeated, and nothing that can be seen (F24)")
    func away() async throws {
        for status in [403, 500, 503] {
            let server = try await LoopbackServer.start { _ in .init(status: status, body: Data("<Error/>".utf8)) }
            defer { server.stop() }
            for endpoint in ["http://127.0.0.1:\(server.port)", "http://127.0.0.1:\(FreePort.next())"] {
                let fixture = ArtifactFixture(storage: Self.storage(endpoint))
                defer { fixture.remove() }
                let run = try await fixture.run()
                await #expect(throws: Fault.storageUnavailable) { _ = try await fixture.send([.init()], to: run) }
                let listed = try await fixture.artifacts.list(run.id, result: nil, PageRequest(limit: 10, cursor: ""), tenant: fixture.tenant).items
                let usage = try await fixture.usage.usage(of: fixture.tenant)
                let reports = try await fixture.usage.reports(of: fixture.tenant)
                #expect(listed.isEmpty && usage.storageFiles == reports.files)
            }
        }
    }
}
