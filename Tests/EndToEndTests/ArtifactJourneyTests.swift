import Foundation
import TestSupport
import Testing

/// Files of a run through all seven processes (P98, P129).
@Suite(.serialized, .timeLimit(.minutes(3)))
struct ArtifactJourneyTests {
    @Test("screenshots come to their results and back; a killed upload leaves nothing, a full store is told and its runs are recorded (T88-T91)")
    func whole() async throws {
        try await Stack.with(settings: ["ASSAY_GATEWAY_QUOTA_STORAGE_BYTES": "30000000"]) { stack in
            let journey = Journey(stack)
            let api = journey.api
            let project = try await journey.makeProject()
            let report =
                #"<testsuite name="s"><testcase name="a"><system-out>[[ATTACHMENT|/ci/a.png]]</system-out></testcase><testcase name="b"/></testsuite>"#
            let run = try await journey.upload(Data(report.utf8), to: project).string("run_id")
            let results = try await journey.results(of: run)
            let a = results.first { $0["name"] as? String == "a" }?["id"] as? String ?? ""

            let png = Data(
                [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13] + Array("IHDR".utf8) + [0, 0, 5, 0, 0, 0, 2, 0xD0, 8, 6, 0, 0, 0])
            let sent = try await api.send("POST", "/runs/\(run)/artifacts?name=a.png", body: png, headers: ["Content-Type": "image/png"])
            #expect(sent.status == 201 && sent.string("data.0.result") == a && sent.integer("data.0.width") == 1280, "\(sent.text)")
            let again = try await api.send("POST", "/runs/\(run)/artifacts?name=a.png", body: png, headers: ["Content-Type": "image/png"])
            #expect(again.string("data.0.id") == sent.string("data.0.id"), "a repetition is the same artifact")
            let id = sent.string("data.0.id")
            let html = try await api.send(
                "POST", "/runs/\(run)/artifacts?name=x.html", body: Data("<html><script>1</script>".utf8), headers: ["Content-Type": "text/html"])
            let page = try await api.get("/artifacts/\(html.string("data.0.id"))/content")
            #expect(
                page.headers["content-type"] == "application/octet-stream" && page.headers["content-disposition"]?.hasPrefix("attachment") == true)

            let ofA = try await api.get("/runs/\(run)/artifacts?result=\(a)")
            #expect((ofA["data"] as? [Any])?.count == 1 && ofA.string("data.0.id") == id && ofA["dropped"] == nil)
            let whole = try await api.get("/artifacts/\(id)/content")
            let part = try await api.get("/artifacts/\(id)/content", headers: ["Range": "bytes=12-15"])
            #expect(whole.body == png && part.status == 206 && part.text == "IHDR")

            try await killed(stack, run)

            // Two files that fit by themselves, not together.
            let large = Data(count: 20_000_000)
            let kept = try await api.send("POST", "/runs/\(run)/artifacts?name=1", body: large, headers: ["Content-Type": "application/x-trace"])
            let other = Data(repeating: 1, count: 20_000_000)
            let refused = try await api.send("POST", "/runs/\(run)/artifacts?name=2", body: other, headers: ["Content-Type": "application/x-trace"])
            #expect(kept.status == 201 && refused.status == 413 && refused.string("code") == "quota_exceeded", "\(kept.text) \(refused.text)")
            let list = try await api.get("/runs/\(run)/artifacts")
            #expect(list.integer("dropped.files") == 1 && list.integer("dropped.bytes") == 20_000_000, "\(list.text)")
            #expect(try await journey.upload(Journey.report(count: 2, failing: 0), to: project).status == 200)

            #expect(try await api.send("DELETE", "/artifacts/\(kept.string("data.0.id"))", body: nil).status == 204)
            let room = try await api.send("POST", "/runs/\(run)/artifacts?name=2", body: other, headers: ["Content-Type": "application/x-trace"])
            #expect(room.status == 201, "what is deleted makes room: \(room.text)")
        }
    }

    /// Execution dies with half of a file (T90).
    private func killed(_ stack: Stack, _ run: String) async throws {
        let body = stack.folder.appending(path: "half.bin")
        try Data(count: 12_000_000).write(to: body)
        let curl = Process()
        curl.executableURL = URL(filePath: "/usr/bin/curl")
        curl.arguments = [
            "-s", "--limit-rate", "4M", "-H", "Authorization: Bearer \(stack.apiKey)", "-H", "Content-Type: application/x-trace", "--data-binary",
            "@\(body.path)",
            stack.url + "/api/v1/runs/\(run)/artifacts?name=half",
        ]
        curl.standardOutput = FileHandle.nullDevice
        try curl.run()
        defer { if curl.isRunning { curl.terminate() } }
        let incoming = stack.folder.appending(path: "artifacts/incoming")
        func halves() -> [Int] {
            let found = (try? FileManager.default.contentsOfDirectory(at: incoming, includingPropertiesForKeys: [.fileSizeKey])) ?? []
            return found.compactMap { try? $0.resourceValues(forKeys: [.fileSizeKey]).fileSize }
        }
        try await eventually(within: .seconds(20)) { halves().contains { $0 > 2_000_000 } }
        await stack.kill("execution")
        try await stack.run("execution")
        try await stack.waitUntilReady("execution")
        let api = APIClient(stack)
        try await eventually(within: .seconds(20)) { try await api.get("/runs/\(run)/artifacts").status == 200 }
        let list = try await api.get("/runs/\(run)/artifacts")
        #expect(!list.text.contains("half") && halves().count == 1, "nothing of it can be seen; its file waits for the sweeper")
        #expect(try await stack.sql("select count(*) from execution.artifact_blobs where state <> 'stored'") == "0")
    }
}
