import Foundation
import GatewayAPI
import SwiftProtobuf

@testable import GatewayService

// Organizations and people, as the services would send them.
extension PageFixtures {
    private func stamp(_ secondsAgo: Double) -> Google_Protobuf_Timestamp { Google_Protobuf_Timestamp(date: now - secondsAgo) }

    var roles: [PBRole] {
        Role.allCases.map { PBRole($0) } + [
            .with {
                $0.id = "rol_1"
                $0.name = user("Release manager")
            }
        ]
    }

    var members: PBListMembersResponse {
        .with {
            $0.data = [
                ("Ada Lovelace", "org_admin", true, true), ("Grace Hopper", "rol_1", false, true), ("Charles Babbage", "viewer", false, false),
            ]
            .enumerated().map { index, one in
                .with {
                    $0.id = "usr_\(index)"
                    $0.userName = user("\(one.0.prefix(3).lowercased())@example.com")
                    $0.displayName = user(one.0)
                    $0.role = one.1
                    $0.owner = one.2
                    $0.active = one.3
                    $0.createdAt = stamp(90 * 86_400)
                    if index < 2 { $0.lastActiveAt = stamp(600) }
                }
            }
        }
    }

    var invitations: [PBInvitation] {
        [
            .with {
                $0.id = "inv_1"
                $0.email = user("new@example.com")
                $0.role = "qa_lead"
                $0.state = .open
                $0.createdAt = stamp(86_400)
                $0.expiresAt = stamp(-6 * 86_400)
            }
        ]
    }

    var organizations: [PBOrganizationReport] {
        [("Acme GmbH", PBOrganizationReport.State.active), ("Globex", .suspended), ("Initech", .deleted)].enumerated().map { index, one in
            .with {
                $0.id = "org_\(index)"
                $0.name = user(one.0)
                $0.state = one.1
                if one.1 == .suspended { $0.suspendedReason = user("Unpaid since March") }
                $0.activeMembers = 12
                $0.keys = 3
                $0.sessions = 5
                if index == 0 { $0.lastActiveAt = stamp(60) }
            }
        }
    }

    var people: [PBPersonReport] {
        [("Ada Lovelace", true, true, false), ("Root", true, true, true), ("Charles Babbage", false, true, false), ("New", true, false, false)]
            .enumerated().map { index, one in
                .with {
                    $0.id = "usr_\(index)"
                    $0.email = user("person\(index)@example.com")
                    $0.name = user(one.0)
                    $0.active = one.1
                    $0.verified = one.2
                    $0.superAdmin = one.3
                    $0.organizations = 2
                    $0.sessions = 1
                    $0.memberships = [
                        .with {
                            $0.organization = "org_0"
                            $0.organizationName = user("Acme GmbH")
                            $0.role = "viewer"
                            $0.active = true
                        }
                    ]
                }
            }
    }
}
