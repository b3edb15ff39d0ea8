import Contract
import Metrics

/// One rate limit with the name that refusals and headers give it.
struct RatePolicy: Sendable {
    let name: String
    let limit: RateLimit
    /// `"key";q=100;w=10`: a burst of q, regained in w seconds (draft-ietf-httpapi-ratelimit-headers).
    let header: String
    let mode: LimitMode
    /// Requests that went beyond it, served or not.
    let exceeded: Counter

    init(_ name: String, _ limit: RateLimit, _ mode: LimitMode) {
        self.name = name
        self.limit = limit
        self.mode = mode
        exceeded = Counter(label: "limits_exceeded", dimensions: [("limit", name), ("mode", mode.rawValue)])
        header = "\"\(name)\";q=\(limit.burst);w=\(limit.window)"
    }
}

/// What a class of routes may use up of the points that a key, an organization or an address has.
struct ClassLimit: Sendable, Equatable {
    /// 100 leaves the class without a limit of its own.
    var percent: Int
    var mode = LimitMode.enforce

    /// Each class leaves room for another: who floods the one can still do the other.
    static let standard: [RouteClass: ClassLimit] = [
        .read: ClassLimit(percent: 100), .write: ClassLimit(percent: 80), .upload: ClassLimit(percent: 80), .trigger: ClassLimit(percent: 50),
        .export: ClassLimit(percent: 20), .admin: ClassLimit(percent: 50), .auth: ClassLimit(percent: 50),
    ]
}

/// The limits that a request of one class passes, in this order: what its sender may do at all, then what it may do of this kind of work. A key that
/// is over its own limit takes nothing from its colleagues.
struct RatePolicies: Sendable {
    struct Layer: Sendable {
        let policy: RatePolicy
        let owner: BucketKey.Kind
        let routeClass: RouteClass?
    }

    let layers: [Layer]
    /// For the RateLimit-Policy header.
    let header: String

    init(_ layers: [Layer]) {
        self.layers = layers
        header = layers.map(\.policy.header).joined(separator: ", ")
    }

    /// - Parameter owners: each with the limit for all that it does.
    init(_ routeClass: RouteClass, _ limit: ClassLimit, owners: [(kind: BucketKey.Kind, name: String, limit: RateLimit, mode: LimitMode)]) {
        let whole = owners.map { Layer(policy: RatePolicy($0.name, $0.limit, $0.mode), owner: $0.kind, routeClass: nil) }
        let ofClass = owners.map {
            Layer(
                policy: RatePolicy("\($0.name).\(routeClass.rawValue)", $0.limit.share(percent: limit.percent), limit.mode), owner: $0.kind,
                routeClass: routeClass)
        }
        self.init(limit.percent < 100 && limit.mode != .off ? whole + ofClass : whole)
    }
}

/// Who pays for a request.
enum Payer: Sendable {
    case principal(Principal)
    case address(ClientAddress)

    func bucket(of layer: RatePolicies.Layer) -> BucketKey {
        switch self {
        case .principal(let principal): (layer.owner == .key ? principal.keyBucket : principal.tenantBucket).for(layer.routeClass)
        case .address(let address): address.bucket.for(layer.routeClass)
        }
    }
}
