import HTTPTypes
import Hummingbird
import NIOCore

/// The keys of access tokens for whoever wants to check them, at the path where libraries look (RFC 8615).
struct KeySetEndpoint: Sendable {
    let keys: SigningKeys

    func add(to endpoints: inout HTTPEndpoints) {
        endpoints.add(
            .get, "/.well-known/jwks.json",
            HTTPEndpoint(access: .everybody, cost: 1) { [keys] _ in
                Response(
                    status: .ok,
                    // Shorter than the notice that a new key gives.
                    headers: [.contentType: "application/jwk-set+json", .cacheControl: "public, max-age=300", .accessControlAllowOrigin: "*"],
                    body: ResponseBody(byteBuffer: ByteBuffer(string: try await keys.document())))
            })
    }
}
