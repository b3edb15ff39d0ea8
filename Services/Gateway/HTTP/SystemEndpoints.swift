import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Postgres
import Primitives

/// What anybody may ask: whether the gateway is alive and ready, and how the API looks.
struct SystemEndpoints: Sendable {
    let database: Database
    let openAPI: ByteBuffer

    /// - Throws: when the document is not in the bundle, which is a packaging error.
    init(database: Database) throws {
        self.database = database
        openAPI = ByteBuffer(bytes: BundledDocument.bytes)
        guard openAPI.readableBytes > 0 else {
            throw Fault(.internal, "gateway.openapi_missing", "openapi.json is not beside the executable.")
        }
    }

    func add(to endpoints: inout HTTPEndpoints) {
        // Probes come every second from every load balancer, so they are free.
        endpoints.add(
            .get, "/healthz", HTTPEndpoint(access: .everybody, cost: 0, answersAnyHost: true) { _ in Self.response(#"{"status":"ok"}"#, .ok) })
        endpoints.add(
            .get, "/readyz",
            HTTPEndpoint(access: .everybody, cost: 0, answersAnyHost: true) { [database] _ in
                let isReady = (try? await database.one(.system, "select true as answer") { try $0.value("answer", as: Bool.self) }) ?? false
                return isReady ? Self.response(#"{"status":"ready"}"#, .ok) : Self.response(#"{"status":"not ready"}"#, .serviceUnavailable)
            })
        let tag = EntityTag.weak(Array(openAPI.readableBytesView))
        endpoints.add(
            .get, "/openapi.json",
            HTTPEndpoint(access: .everybody, cost: 1) { [openAPI] exchange in
                var headers: HTTPFields = [.contentType: "application/json", .eTag: tag, .cacheControl: "public, max-age=300"]
                if exchange.head.ifNoneMatch == tag { return Response(status: .notModified, headers: headers) }
                headers[.accessControlAllowOrigin] = "*"
                return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: openAPI))
            })
    }

    private static func response(_ text: String, _ status: HTTPResponse.Status) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
