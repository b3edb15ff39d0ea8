import ExecutionAPI
import Foundation
import Outbound
import Primitives
import ServiceKit
import SwiftProtobuf

extension PBSecret {
    init(_ secret: TestSecret) {
        self.init()
        id = secret.id.description
        project = secret.project.description
        name = secret.name
        environment = secret.environment
        hosts = secret.hosts.map(\.text)
        updatedBy = secret.updatedBy
        createdAt = .init(milliseconds: secret.createdAt)
        updatedAt = .init(milliseconds: secret.updatedAt)
        version = secret.version
    }
}

extension AllowedHost {
    /// Each host once, in the order given.
    /// - Throws: `request.invalid` at the host.
    static func list(_ entries: [String]) throws(Fault) -> [AllowedHost] {
        var hosts: [AllowedHost] = []
        for (index, entry) in entries.enumerated() {
            let host = try AllowedHost(entry, at: "/hosts/\(index)")
            if !hosts.contains(host) { hosts.append(host) }
        }
        return hosts
    }

    /// `api.example.com`, `*.example.com`, `http://10.0.0.5:8080`. Read as the URLs of cases are, so that both mean the same host.
    private init(_ entry: String, at pointer: String) throws(Fault) {
        let whole = entry.contains("://") ? entry : "https://" + entry
        let plain = whole.replacing("://*.", with: "://", maxReplacements: 1)
        let url: TargetURL
        do throws(OutboundError) { url = try TargetURL(plain) } catch { throw .invalidField(pointer, "invalid_host", error.detail) }
        guard url.target == "/" else { throw .invalidField(pointer, "invalid_host", "A host has no path: https://api.example.com") }
        guard plain != whole else {
            self.init(origin: url.origin)
            return
        }
        guard case .name(let name) = url.host, name.contains(".") else {
            throw .invalidField(pointer, "invalid_host", "Behind *. a name with a dot in it is needed: *.example.com")
        }
        self.init(origin: url.origin, below: true)
    }
}
