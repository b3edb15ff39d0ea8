import Foundation

/// The proxy that an environment asks for: `HTTPS_PROXY` and `HTTP_PROXY`, small letters too, unless `NO_PROXY` names the host. As curl and most
/// tools read them; nobody has ever standardized it.
enum ProxyChoice {
    struct Proxy: Equatable, Sendable {
        let host: String
        let port: Int
        let user: String?
        let password: String?
    }

    static func proxy(for url: String, environment: [String: String]) -> Proxy? {
        guard let url = URL(string: url), let host = url.host()?.lowercased() else { return nil }
        func value(_ name: String) -> String? { [environment[name.lowercased()], environment[name]].compactMap(\.self).first { !$0.isEmpty } }
        // HTTP_PROXY in capitals can be set by whoever calls a CGI script; the client is none.
        guard let text = value(url.scheme == "http" ? "HTTP_PROXY" : "HTTPS_PROXY") else { return nil }
        guard !isExempt(host, value("NO_PROXY") ?? "") else { return nil }
        guard let proxy = URL(string: text.contains("://") ? text : "http://\(text)"), let name = proxy.host() else { return nil }
        return Proxy(host: name, port: proxy.port ?? 80, user: proxy.user(), password: proxy.password())
    }

    private static func isExempt(_ host: String, _ list: String) -> Bool {
        list.lowercased().split(whereSeparator: { $0 == "," || $0 == " " }).contains { entry in
            let domain = entry.hasPrefix(".") ? entry.dropFirst() : entry
            return entry == "*" || host == domain || host.hasSuffix("." + domain)
        }
    }
}
