import Foundation

@testable import GatewayService

/// A browser without a screen: keeps cookies, follows nothing by itself, and says of its requests what browsers say.
actor PageBrowser {
    private let stand: GatewayStand
    private var cookies: [String: String] = [:]

    init(_ stand: GatewayStand) {
        self.stand = stand
    }

    struct Answer: Sendable {
        let status: Int
        /// Names in lower case; the last one wins.
        let headers: [String: String]
        let body: String

        /// The value of a hidden field.
        func field(_ name: String) -> String {
            guard let start = body.range(of: "name=\"\(name)\" value=\"") else { return "" }
            return String(body[start.upperBound...].prefix { $0 != "\"" })
        }

        /// The first link whose text holds `words`.
        func link(_ words: String) -> String {
            for piece in body.components(separatedBy: "<a ").dropFirst() {
                let link = piece.components(separatedBy: "</a>")[0]
                guard link.contains(words), let start = link.range(of: "href=\"") else { continue }
                return String(link[start.upperBound...].prefix { $0 != "\"" }).replacing("&amp;", with: "&")
            }
            return ""
        }
    }

    func get(_ path: String, accept: String = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", headers: String = "") async throws -> Answer {
        try await send("GET \(path) HTTP/1.1\r\nHost: localhost\r\nAccept: \(accept)\r\n\(headers)", body: "")
    }

    /// - Parameter site: what `Sec-Fetch-Site` says; empty to leave it out.
    func post(_ path: String, _ fields: [String: String], site: String = "same-origin", headers: String = "") async throws -> Answer {
        let body = fields.map { PercentEncoding.encode($0.key) + "=" + PercentEncoding.encode($0.value) }.joined(separator: "&")
        let from = site.isEmpty ? "" : "Sec-Fetch-Site: \(site)\r\n"
        return try await send(
            "POST \(path) HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nContent-Type: application/x-www-form-urlencoded\r\n\(from)\(headers)",
            body: body)
    }

    /// Signs in with a key, the stand's own when none is given.
    func signIn(key: String? = nil, returnTo: String = "/") async throws -> Answer {
        let form = try await get("/sign-in?return_to=" + PercentEncoding.encode(returnTo))
        return try await post(
            "/sign-in", ["key": key ?? stand.key, "form_token": form.field("form_token"), "return_to": form.field("return_to")])
    }

    var sessionCookie: String? { cookies["assay_session"] }

    func setCookie(_ name: String, _ value: String?) { cookies[name] = value }

    private func send(_ head: String, body: String) async throws -> Answer {
        let cookie = cookies.isEmpty ? "" : "Cookie: " + cookies.map { "\($0.key)=\($0.value)" }.joined(separator: "; ") + "\r\n"
        let raw = try await stand.raw(head + cookie + "Connection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n" + body)
        let parts = raw.components(separatedBy: "\r\n\r\n")
        var lines = parts[0].components(separatedBy: "\r\n")[...]
        let status = lines.popFirst().flatMap { Int($0.split(separator: " ").dropFirst().first ?? "") } ?? 0
        var headers: [String: String] = [:]
        for line in lines {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let name = line[..<colon].lowercased()
            let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            headers[name] = value
            guard name == "set-cookie", let equals = value.firstIndex(of: "=") else { continue }
            let content = String(value[value.index(after: equals)...].prefix { $0 != ";" })
            cookies[String(value[..<equals])] = content.isEmpty ? nil : content
        }
        return Answer(status: status, headers: headers, body: parts.dropFirst().joined(separator: "\r\n\r\n"))
    }
}
