/// How a browser carries its session: an opaque token of 256 random bits in a cookie that scripts cannot read.
struct SessionCookie: Sendable {
    /// 32 bytes in hex.
    static let tokenLength = 64

    let name: String
    private let attributes: String

    /// `__Host-` makes browsers refuse the cookie from a subdomain or over plain HTTP; they refuse it altogether without TLS, so a gateway
    /// that is reached over plain HTTP on a private network goes without.
    init(isSecure: Bool) {
        name = isSecure ? "__Host-assay_session" : "assay_session"
        attributes = "; Path=/; HttpOnly; SameSite=Lax" + (isSecure ? "; Secure" : "")
    }

    static func newToken() -> String {
        (0..<4).map { _ in
            let word = String(UInt64.random(in: .min ... .max), radix: 16)
            return String(repeating: "0", count: 16 - word.count) + word
        }.joined()
    }

    /// Lives as long as a session can.
    func header(token: String) -> String { "\(name)=\(token)\(attributes); Max-Age=\(30 * 24 * 3600)" }

    var expiredHeader: String { "\(name)=\(attributes); Max-Age=0" }
}
