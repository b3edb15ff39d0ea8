import CommonAPI
import GatewayAPI
import Primitives
import ServiceKit
import SwiftProtobuf

extension PBTrustPolicy {
    init(_ policy: TrustPolicy) {
        self.init()
        id = policy.id.description
        name = policy.name
        provider = Provider(policy.provider)
        issuer = policy.issuer
        audience = policy.audience
        claims = policy.claims
        projects = policy.projects.map { ID<Project>(uuid: $0).description }
        forks = Forks(policy.forks)
        enabled = policy.isEnabled
        createdAt = .init(milliseconds: policy.createdAt)
        updatedAt = .init(milliseconds: policy.updatedAt)
        version = policy.version
    }
}

extension PBTrustPolicy.Provider {
    init(_ provider: TrustProvider) {
        switch provider {
        case .github: self = .github
        case .gitlab: self = .gitlab
        case .buildkite: self = .buildkite
        }
    }
}

extension TrustProvider {
    /// - Throws: `request.invalid` at `/provider`.
    init(_ message: PBTrustPolicy.Provider) throws(Fault) {
        switch message {
        case .github: self = .github
        case .gitlab: self = .gitlab
        case .buildkite: self = .buildkite
        case .unspecified, .UNRECOGNIZED: throw .invalidField("/provider", "unknown", "The provider is GITHUB, GITLAB or BUILDKITE.")
        }
    }
}

extension PBTrustPolicy.Forks {
    init(_ forks: TrustPolicy.Forks) {
        switch forks {
        case .untrusted: self = .untrusted
        case .refuse: self = .refuse
        }
    }
}

extension TrustPolicy.Forks {
    /// - Returns: `nil` for unspecified.
    /// - Throws: `request.invalid` at `/forks`.
    init?(_ message: PBTrustPolicy.Forks) throws(Fault) {
        switch message {
        case .unspecified: return nil
        case .untrusted: self = .untrusted
        case .refuse: self = .refuse
        case .UNRECOGNIZED: throw .invalidField("/forks", "unknown", "forks is UNTRUSTED or REFUSE.")
        }
    }
}

extension PBLane.Value {
    init(_ lane: Lane) {
        switch lane {
        case .trusted: self = .trusted
        case .untrusted: self = .untrusted
        }
    }
}
