import Foundation

/// A request that a user composed. It is checked as a whole before anything is resolved.
package struct HTTPRequest: Sendable {
    package static let maximumHeaders = 128
    package static let maximumHeaderBytes = 32 << 10
    package static let maximumBodyBytes = 10 << 20

    package var method: String
    package var url: TargetURL
    package var headers: [HTTPHeader]
    package var body: Data
    package var limits: TransferLimits

    package init(method: String = "GET", url: TargetURL, headers: [HTTPHeader] = [], body: Data = Data(), limits: TransferLimits = .init()) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.limits = limits
    }

    /// Headers that decide how bytes become messages and where they go. Letting a user write them is request smuggling.
    private static let ownHeaders: Set<String> = [
        "host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "te", "trailer", "expect", "http2-settings",
        "proxy-connection", "proxy-authorization",
    ]

    /// - Throws: `invalidRequest` for a method or header that is no token, for CR, LF, NUL and other controls in a value (T10), for
    ///   headers that are ours to write, and beyond the limits above.
    package func check() throws(OutboundError) {
        guard method.utf8.count <= 32, Self.isToken(method) else { throw .invalidRequest("The method must be one word of letters.") }
        guard !["CONNECT", "TRACE"].contains(method.uppercased()) else { throw .invalidRequest("The method \(method) is not available.") }
        guard body.count <= Self.maximumBodyBytes else { throw .invalidRequest("The body is longer than \(Self.maximumBodyBytes) bytes.") }
        guard method != "HEAD" || body.isEmpty else { throw .invalidRequest("A HEAD request has no body.") }
        guard headers.count <= Self.maximumHeaders else { throw .invalidRequest("There are more than \(Self.maximumHeaders) headers.") }
        var bytes = 0
        for header in headers {
            guard Self.isToken(header.name) else { throw .invalidRequest("A header name has a character that header names do not have.") }
            guard !Self.ownHeaders.contains(header.name.lowercased()) else {
                throw .invalidRequest("The header \(header.name) is written by Assay and cannot be set.")
            }
            guard header.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
                throw .invalidRequest("The value of header \(header.name) has a control character.")
            }
            bytes += header.name.utf8.count + header.value.utf8.count + 4
        }
        guard bytes <= Self.maximumHeaderBytes else { throw .invalidRequest("The headers are longer than \(Self.maximumHeaderBytes) bytes.") }
    }

    /// `token` of RFC 9110, section 5.6.2.
    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0.isLetter || $0.isDigit || tokenMarks.contains($0) }
    }

    private static let tokenMarks = Set("!#$%&'*+-.^_`|~".utf8)
}
