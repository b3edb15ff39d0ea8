/// Which service may call which: the call order of `Services/README.md`, to the right only, as far as somebody needs it.
///
/// Under mutual TLS every server holds each call against it (R17): a service that is taken over reaches what it reached before and nothing
/// else. The architecture tests compare it with the dependencies in `Package.swift`.
package enum CallGraph {
    /// Caller → those it calls. The gateway calls itself for what it owns.
    package static let calls: [String: Set<String>] = [
        "gateway": ["gateway", "scheduling", "execution", "validation", "analytics", "projects", "notifications"],
        "scheduling": ["execution"],
        "execution": ["validation", "analytics", "projects", "notifications"],
        "validation": ["analytics", "notifications"],
        "analytics": [],
        "projects": [],
        "notifications": [],
    ]

    package static func allows(_ caller: String, toCall callee: String) -> Bool { calls[caller]?.contains(callee) == true }

    /// How a certificate names a service (SPIFFE): an alternative name of the kind URI.
    package static func identity(of service: String) -> String { identityPrefix + service }

    static let identityPrefix = "spiffe://assay/"
}
