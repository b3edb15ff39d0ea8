import Foundation
import GatewayAPI
import SwiftProtobuf

@testable import GatewayService

extension PageFixtures {
    func account(_ state: AccountView.State = .init(), isOn: Bool = false) -> AccountView {
        let profile = PBProfile.with {
            $0.id = "usr_1"
            $0.name = user("Ann Archer")
            $0.email = user("ann@example.com")
            $0.secondFactor = isOn
            $0.recoveryCodes = isOn ? 9 : 0
            $0.organizations = [
                .with {
                    $0.name = user("Acme GmbH")
                    $0.role = "org_admin"
                }
            ]
        }
        func session(_ number: Int, _ agent: String, _ kind: PBSession.Kind) -> PBSession {
            .with {
                $0.id = user("ses_\(number)")
                $0.kind = kind
                $0.userAgent = agent
                $0.address = "203.0.113.\(number)"
                $0.createdAt = .init(date: now.addingTimeInterval(-86_400 * Double(number)))
                $0.lastUsedAt = .init(date: now.addingTimeInterval(-600 * Double(number)))
                $0.current = number == 1
            }
        }
        return AccountView(
            profile,
            [
                session(1, "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", .browser),
                session(2, user("curl/7.88.1"), .api),
            ], state, formToken: "token", now: now)
    }
}
