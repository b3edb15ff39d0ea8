import Foundation
import GRPCCore
import Jobs
import NotificationsAPI
import Outbound
import Postgres
import Primitives
import Sealing
import ServiceKit
import SwiftProtobuf
import TestSupport
import Testing

@testable import NotificationsService

@Suite("Mail", .database(NotificationsProgram.schema))
struct MailDeliveryTests {
    private let jobs = JobQueue(database: TestDatabase.current.database)
    private let sealer: Sealer

    init() throws {
        sealer = try Sealer(keys: ["1": Secret(Data(repeating: 7, count: 32))], current: "1")
    }

    private static func request(_ change: (inout PBSendMailRequest) -> Void = { _ in }) -> PBSendMailRequest {
        .with {
            $0.id = UUID().uuidString
            $0.to = "ann@example.com"
            $0.subject = "Gr\u{FC}\u{DF}e"
            $0.text = "Hello Ann,\n.dots and \u{1F600}\n"
            $0.html = "<p>Hello &lt;Ann&gt;</p>"
            change(&$0)
        }
    }

    /// Hands a mail in, then carries the job out that this left.
    private func deliver(_ request: PBSendMailRequest, _ route: MailRoute?) async throws {
        let tenant = ID<Tenant>.new()
        _ = try await InProcess.serve(
            [MailRPC(jobs: jobs, sealer: sealer, route: route)], rules: NotificationsContract.rules, as: .service("gateway", tenant: tenant),
            signedBy: "gateway"
        ) { try await PBMail.Client(wrapping: $0).sendMail(request) }
        let rows = try await TestDatabase.current.database.rows(
            .tenant(tenant), "select id, payload, payload::text as text from jobs where tenant_id = \(tenant) and kind = 'deliver-mail'"
        ) { row in
            (
                id: try row.value("id", as: ID<Job>.self), payload: try row.value("payload", as: JSONText.self),
                text: try row.value("text", as: String.self)
            )
        }
        let job = try #require(rows.first)
        #expect(!job.text.contains("ann@example.com"), "what waits is sealed")
        try await DeliverMail(sealer: sealer, route: route, from: "assay@example.com").handle(
            job.payload.decode(DeliverMail.Payload.self), Job(id: job.id, tenant: tenant, kind: DeliverMail.Payload.kind))
    }

    @Test("a mail goes out as text and HTML, with a subject that every reader understands")
    func delivered() async throws {
        let sink = try await MailSink.start()
        defer { sink.stop() }
        let relay = try MailRelay("smtp://127.0.0.1:\(sink.port)", isPlain: true)
        let client = MailClient(relay: relay, policy: EgressPolicy(allowedNetworks: try Network.list("127.0.0.0/8"), ports: .mail))
        let request = Self.request()
        try await deliver(request, .relay(client))
        let mail = try #require(sink.mails.first)
        #expect(mail.to == ["ann@example.com"] && mail.from == "assay@example.com")
        #expect(mail.data.contains("Subject: =?utf-8?B?R3LDvMOfZQ==?=\n"))
        #expect(mail.data.contains("Message-ID: <\(request.id.lowercased())@example.com>\n"))
        #expect(mail.data.contains("Content-Type: multipart/alternative;") && mail.data.contains("Content-Type: text/html; charset=utf-8\n"))
        #expect(
            mail.data.contains(Data(request.text.utf8).base64EncodedString()) && mail.data.contains("\n\n" + request.html + "\n--assay-"))
        #expect(mail.data.split(separator: "\n").allSatisfy { $0.utf8.count <= 998 })
    }

    @Test("a refusal for good buries the mail, another keeps it for later")
    func refused() async throws {
        let sink = try await MailSink.start()
        defer { sink.stop() }
        let relay = try MailRelay("smtp://127.0.0.1:\(sink.port)", isPlain: true)
        let route = MailRoute.relay(MailClient(relay: relay, policy: EgressPolicy(allowedNetworks: try Network.list("127.0.0.0/8"), ports: .mail)))
        let never = await #expect(throws: Fault.self) { try await deliver(Self.request { $0.to = "x@never.test" }, route) }
        #expect(never?.code == "mail.refused" && never?.kind.isPassing == false)
        let later = await #expect(throws: Fault.self) { try await deliver(Self.request { $0.to = "x@later.test" }, route) }
        #expect(later?.code == "mail.not_taken" && later?.kind.isPassing == true)
    }

    @Test("without a relay mails are files in a folder; without either none is taken")
    func folder() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "mail-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let request = Self.request()
        try await deliver(request, .folder(folder))
        let text = try String(contentsOf: folder.appending(path: "\(request.id.lowercased()).eml"), encoding: .utf8)
        #expect(text.contains("To: ann@example.com\r\n"))
        let refused = await #expect(throws: RPCError.self) { try await deliver(request, nil) }
        #expect(refused.map { Fault($0).code } == "mail.not_configured")
    }

    @Test(
        "nothing in a mail can begin another header (T94)",
        arguments: [
            ("ann@example.com\r\nBcc: eve@example.com", "x"), ("ann@example.com,eve@example.com", "x"), ("Ann <ann@example.com>", "x"), ("", "x"),
            ("ann@example.com", "x\r\nBcc: eve@example.com"), ("ann@example.com", "x\ny"), ("ann@example.com", ""),
            ("ann@example.com", String(repeating: "x", count: 201)),
        ])
    func injection(to: String, subject: String) {
        let fault = #expect(throws: Fault.self) { try MailMessage(to: to, subject: subject, text: "t", html: "") }
        #expect(fault?.kind == .invalid)
    }
}
