/// Where a secret may be sent: one origin (scheme, host, port), or every host below a name.
///
/// The origin is the unit because everything less gives the secret away: another port is another server, and plain http is everybody on the way.
struct AllowedHost: Sendable, Hashable {
    /// `https://api.example.com`, `http://10.0.0.5:8080`, `https://*.example.com:8443`; the port is left out where it is the scheme's own.
    let text: String

    /// As it is stored.
    init(stored text: String) {
        self.text = text
    }

    /// - Parameter origin: in the notation of `TargetURL.origin`.
    init(origin: String, below isBelow: Bool = false) {
        text = isBelow ? origin.replacing("://", with: "://*.", maxReplacements: 1) : origin
    }

    /// - Parameter origin: in the notation of `TargetURL.origin`.
    func allows(_ origin: String) -> Bool {
        guard let star = text.firstRange(of: "://*.") else { return origin == text }
        let (scheme, end) = (text[..<star.lowerBound] + "://", "." + text[star.upperBound...])
        return origin.hasPrefix(scheme) && origin.hasSuffix(end) && origin.utf8.count > scheme.utf8.count + end.utf8.count
    }
}
