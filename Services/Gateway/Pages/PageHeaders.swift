import HTTPTypes
import Hummingbird
import NIOCore

/// The headers that keep a page to itself (T52): only our own scripts run on it, nobody can frame it or talk to its window, and its address is not
/// told to other sites. `Front` adds `nosniff` to every answer.
enum PageHeaders {
    /// `nonce` is nil for pages that are the same for everybody.
    static func fields(nonce: String?) -> HTTPFields {
        [
            .contentType: "text/html; charset=utf-8",
            // What one person saw must not come out of a cache after signing out.
            .cacheControl: "no-store",
            .contentSecurityPolicy: """
            default-src 'none'; script-src 'self'\(nonce.map { " 'nonce-\($0)'" } ?? ""); style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
            base-uri 'none'; frame-ancestors 'none'
            """,
            .crossOriginOpenerPolicy: "same-origin",
            .crossOriginResourcePolicy: "same-origin",
            .permissionsPolicy: "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
            // Not no-referrer: browsers would send `Origin: null` with our own forms.
            .referrerPolicy: "same-origin",
            .xFrameOptions: "DENY",
        ]
    }

    /// 128 random bits in hex.
    static func newNonce() -> String {
        [UInt64.random(in: .min ... .max), .random(in: .min ... .max)].map { String($0, radix: 16) }.joined()
    }
}

extension HTTPField.Name {
    static let crossOriginOpenerPolicy = HTTPField.Name("Cross-Origin-Opener-Policy")!
    static let crossOriginResourcePolicy = HTTPField.Name("Cross-Origin-Resource-Policy")!
    static let permissionsPolicy = HTTPField.Name("Permissions-Policy")!
    static let referrerPolicy = HTTPField.Name("Referrer-Policy")!
    static let xFrameOptions = HTTPField.Name("X-Frame-Options")!
}
