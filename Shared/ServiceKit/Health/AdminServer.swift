import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle

/// `GET /healthz`, `/readyz` and `/metrics` on a port of their own, which is never exposed (T122). Everything else is 404.
///
/// It starts first and ends last, so that a process that drains can still say so.
struct AdminServer: Service {
    let endpoint: Endpoint
    let readiness: Readiness
    let registry: PrometheusRegistry
    let logger: Logger
    /// Told the port once bound, for those who asked for any free one.
    var onBound: @Sendable (Int) async -> Void = { _ in }

    func run() async throws {
        let router = Router()
        // Answered by the concurrency pool: a process whose threads are all stuck fails this and gets restarted.
        router.get("/healthz") { _, _ in Self.response(.ok, "application/json", #"{"status":"ok"}"#) }
        router.get("/readyz") { [readiness] _, _ in
            let report = await readiness.report()
            return Self.response(report.isReady ? .ok : .serviceUnavailable, "application/json", Self.json(report))
        }
        router.get("/metrics") { [registry] _, _ in
            Self.response(.ok, "text/plain; version=0.0.4; charset=utf-8", registry.text())
        }
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .notice)
        let application = Application(
            router: router,
            configuration: ApplicationConfiguration(address: .hostname(endpoint.host, port: endpoint.port), serverName: nil),
            onServerRunning: { [onBound] channel in await onBound(channel.localAddress?.port ?? 0) }, logger: quiet)
        try await application.run()
    }

    static func json(_ report: Readiness.Report) -> String {
        struct Body: Encodable {
            let status: String
            let problems: [String: String]
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let body = Body(status: report.isReady ? "ready" : "not ready", problems: report.problems)
        return (try? encoder.encode(body)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    private static func response(_ status: HTTPResponse.Status, _ type: String, _ body: String) -> Response {
        Response(status: status, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(string: body)))
    }
}
