import Foundation
import TestSupport
import Testing

/// Uploads in pieces through the whole of Assay.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct PartialUploadJourneyTests {
    /// Texts that cannot be folded further, so that the upload is as large as it looks.
    private static func report(cases: Int) -> Data {
        guard let random = FileHandle(forReadingAtPath: "/dev/urandom") else { return Data() }
        var report = Data("<testsuite name=\"large\">\n".utf8)
        for index in 0..<cases {
            report.append(Data("<testcase classname=\"a.B\" name=\"case \(index)\"><system-out>".utf8))
            report.append(((try? random.read(upToCount: 12_288)) ?? Data()).base64EncodedData())
            report.append(Data("</system-out></testcase>\n".utf8))
        }
        report.append(Data("</testsuite>\n".utf8))
        return report
    }

    @Test("an upload is begun at one replica and ended at another, after both have lost one each, and is the same as in one request")
    func replicas() async throws {
        try await Stack.with(replicas: ["gateway": 2, "execution": 2]) { stack in
            let project = try await Journey(stack).makeProject()
            let gateways = stack.gatewayURLs.map { APIClient(url: $0 + "/api/v1", key: stack.apiKey) }
            let report = Journey.report(count: 20_000, failing: 10)
            let begun = try await gateways[0].send(
                "POST", "/projects/\(project)/uploads?wait=30&run_env[branch]=main", body: report.prefix(1_000_000),
                headers: ["Content-Type": "application/xml", "Upload-Complete": "?0", "Upload-Length": "\(report.count)"])
            let path = String((begun.headers["location"] ?? "").dropFirst("/api/v1".count))
            try #require(begun.status == 201 && begun.headers["upload-offset"] == "1000000", "\(begun.text)")
            await stack.kill("gateway", replica: 0)
            await stack.kill("execution", replica: 0)
            let asked = try await gateways[1].send("HEAD", path, body: nil)
            #expect(asked.headers["upload-offset"] == "1000000" && asked.headers["upload-length"] == "\(report.count)")
            let headers = ["Content-Type": "application/partial-upload", "Upload-Offset": "1000000", "Upload-Complete": "?1"]
            let last = try await gateways[1].send("PATCH", path, body: report.dropFirst(1_000_000), headers: headers)
            #expect(last.status == 200 && last.integer("accepted") == 20_000 && last.string("run_state") == "FAILED", "\(last.text)")
            // The same content in one request is the same upload.
            let again = try await Journey(stack, api: gateways[1]).upload(report, to: project, query: "run_env[branch]=main")
            #expect(again.string("upload_id") == last.string("upload_id") && again["duplicate"] as? Bool == true, "\(again.text)")
            #expect(try await stack.sql("select count(*) from execution.results") == "20000")
            #expect(try await stack.sql("select count(*) from execution.partial_upload_pieces") == "0")
        }
    }

    @Test("assay goes on where the line broke, as often as it breaks")
    func commandLine() async throws {
        try await Stack.with { stack in
            let project = try await Journey(stack).makeProject()
            let port = try #require(URL(string: stack.url)?.port)
            let road = try await SlowRoad.to(port: port)
            defer { road.stop() }
            let program = try AssayProgram(environment: [
                "ASSAY_URL": "http://127.0.0.1:\(road.port)", "ASSAY_API_KEY": stack.apiKey, "ASSAY_PROJECT": project,
            ])
            defer { program.remove() }
            let report = Self.report(cases: 1_000)
            try report.write(to: program.folder.appending(path: "large.xml"))
            road.cut(3, after: 3 << 20)
            let sent = try await program("upload", "--strict", "--retry-for", "3s", "large.xml")
            #expect(sent.status == 0 && sent.error.contains("1000 results uploaded"), "\(sent.error)")
            #expect(road.cutsMade == 3)
            #expect(try await stack.sql("select count(*) from execution.results") == "1000")
            #expect(try await stack.sql("select count(*) from execution.partial_uploads where completed_at is not null") == "1")
        }
    }
}
