/// One bound that the gateway sets, as users are told of it.
struct Limit: Sendable, Equatable {
    /// Never changes: it is public.
    let name: String
    let value: Int64
    let unit: Unit
    let scope: Scope
    var mode = LimitMode.enforce
    /// Whether the operator can change it.
    var isConfigurable = false
    let about: String

    /// The raw values are public.
    enum Unit: String, Sendable {
        case pointsPerMinute = "points/min"
        case bytesPerSecond = "bytes/s"
        case points, percent, requests, connections, bytes, seconds, fields, items, levels, parameters, parts, tries, characters, mails
    }

    /// Whom it counts. The raw values are public.
    enum Scope: String, Sendable { case key, account, organization, address, request, connection, installation }
}

/// What happens to a request that goes beyond a limit. A new limit is watched in the shadow before it is enforced (R29). The raw values are settings.
enum LimitMode: String, Sendable, CaseIterable {
    case enforce, shadow, off
}
