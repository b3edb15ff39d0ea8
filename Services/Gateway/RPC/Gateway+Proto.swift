import Foundation
import GatewayAPI
import Primitives
import ServiceKit
import SwiftProtobuf

// Values ⇄ messages of keys.proto, total in both directions.

extension PBAPIKey {
    init(_ key: APIKey) {
        self.init()
        id = key.id.description
        name = key.name
        kind = Kind(key.kind)
        display = key.display
        scopes = key.scopes.map(\.rawValue).sorted()
        projects = key.projects.map { ID<Project>(uuid: $0).description }
        if let time = key.expiresAt { expiresAt = Google_Protobuf_Timestamp(milliseconds: time) }
        if let time = key.lastUsedAt { lastUsedAt = Google_Protobuf_Timestamp(milliseconds: time) }
        if let time = key.revokedAt { revokedAt = Google_Protobuf_Timestamp(milliseconds: time) }
        createdAt = Google_Protobuf_Timestamp(milliseconds: key.createdAt)
        allowedCidrs = key.networks.map(\.description)
        lastUsedIp = key.lastUsedIP
        if let time = key.previousUntil, time > Date() { previousValidUntil = Google_Protobuf_Timestamp(milliseconds: time) }
    }
}

extension PBCreatedAPIKey {
    /// The only message that holds a key's text.
    init(_ key: APIKey, _ text: KeyText) {
        self.init()
        self.key = PBAPIKey(key)
        secret = text.secret.reveal()
    }
}

extension PBAPIKey.Kind {
    init(_ kind: KeyKind) {
        switch kind {
        case .ci: self = .ci
        case .personal: self = .personal
        case .service: self = .service
        }
    }
}

extension KeyKind {
    init(_ kind: PBAPIKey.Kind) throws(Fault) {
        switch kind {
        case .ci: self = .ci
        case .personal: self = .personal
        case .service: self = .service
        case .unspecified, .UNRECOGNIZED: throw .invalidField("/kind", "required", "kind must be CI, PERSONAL or SERVICE.")
        }
    }
}

extension NewKey {
    /// - Throws: `request.invalid` with pointers, `keys.scope_not_held`, `keys.project_not_held`.
    init(_ message: PBCreateAPIKeyRequest, maker: Set<String>, makerProjects: Set<UUID>?, now: Date) throws(Fault) {
        var scopes: Set<KeyScope> = []
        for (index, text) in message.scopes.enumerated() {
            guard let scope = KeyScope(rawValue: text) else {
                throw .invalidField("/scopes/\(index)", "unknown", "\(text.prefix(50)) is not a scope.")
            }
            scopes.insert(scope)
        }
        var projects: [UUID] = []
        for (index, text) in message.projects.enumerated() { projects.append(try ID<Project>(text, field: "/projects/\(index)").uuid) }
        var networks: [Network] = []
        for (index, text) in message.allowedCidrs.enumerated() {
            do {
                networks.append(try Network(text))
            } catch {
                throw .invalidField("/allowed_cidrs/\(index)", "invalid", error.detail)
            }
        }
        try self.init(
            name: message.name, kind: KeyKind(message.kind), scopes: scopes, projects: projects,
            expiresAt: message.hasExpiresAt ? message.expiresAt.date : nil, networks: networks, maker: maker, makerProjects: makerProjects, now: now)
    }
}
