import ExecutionAPI
import Foundation
import ProjectsAPI
import SwiftProtobuf

@testable import GatewayService

/// What Execution would say of the secrets of a project's tests.
extension PageFixtures {
    var secrets: PBListSecretsResponse {
        .with {
            $0.data = [
                secret("API_TOKEN", "", ["https://api.example.com"], ago: 4_000),
                secret("API_TOKEN", "staging", ["https://staging.example.com", "https://*.staging.example.com:8443"], ago: 90_000),
                secret("payment-sandbox.merchant-password_of-the-second-account", "", ["http://10.0.0.5:8080"], ago: 9_000_000),
            ]
        }
    }

    private func secret(_ name: String, _ environment: String, _ hosts: [String], ago: Double) -> PBSecret {
        .with {
            $0.id = "sec_01jnexample0000000000000001"
            $0.project = project.id
            $0.name = user(name)
            $0.environment = environment.isEmpty ? "" : user(environment)
            $0.hosts = hosts.map { user($0) }
            $0.updatedBy = "usr_01jd3v9k2m8q4r6s7t0w1x2y3z"
            $0.createdAt = time(ago + 100_000)
            $0.updatedAt = time(ago)
            $0.version = 3
        }
    }
}
