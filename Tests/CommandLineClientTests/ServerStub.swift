import Foundation
import Synchronization
import TestSupport

/// As much of a server as the client notices: takes uploads, knows who is asking.
struct ServerStub: Sendable {
    let server: LoopbackServer

    static func start(_ answer: @escaping @Sendable (LoopbackServer.Request) async -> LoopbackServer.Response? = { _ in nil }) async throws
        -> ServerStub
    {
        let server = try await LoopbackServer.start { request in
            if let special = await answer(request) { return special }
            if request.target == "/api/v1/me" { return .json(#"{"organization":"org_1","organization_name":"Example Ltd"}"#) }
            if request.target.contains("/uploads") {
                return .json(#"{"upload_id":"upl_1","run_id":"run_1","accepted":1,"rejected":0,"warnings":[]}"#, status: 202)
            }
            return .json(#"{"status":404,"code":"http.not_found","detail":"no such thing"}"#, status: 404)
        }
        return ServerStub(server: server)
    }

    var uploads: [LoopbackServer.Request] { server.requests.filter { $0.method == "POST" && $0.target.contains("/uploads") } }

    /// Fields of a multipart body, files left out.
    static func fields(of request: LoopbackServer.Request) -> [String: String] {
        let text = String(decoding: request.body, as: UTF8.self)
        return text.matches(of: /name="([^"]+)"\r\n\r\n([^\r]*)\r\n/).reduce(into: [:]) { $0[String($1.output.1)] = String($1.output.2) }
    }

    var environment: [String: String] { ["ASSAY_URL": server.url, "ASSAY_API_KEY": "asy_ci_test", "ASSAY_PROJECT": "shop"] }
}
