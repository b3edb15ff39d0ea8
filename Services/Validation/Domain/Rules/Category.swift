/// What sort of trouble made a test fail. The raw values are stored.
enum Category: String, Sendable, CaseIterable, Codable {
    case assertion, timeout, crash, network, tls, dns, authentication, authorization, data, environment, setup, concurrency, resource, unknown
    case outOfMemory = "out_of_memory"
    case truncatedReport = "truncated_report"
    case serverError = "server_error"
}

/// How much it matters, least first. The raw values are stored.
enum Severity: String, Sendable, CaseIterable, Comparable, Codable {
    case low, medium, high, critical

    static func < (left: Severity, right: Severity) -> Bool {
        allCases.firstIndex(of: left)! < allCases.firstIndex(of: right)!
    }
}
