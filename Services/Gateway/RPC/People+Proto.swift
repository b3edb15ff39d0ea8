import Foundation
import GatewayAPI
import Primitives
import ServiceKit
import SwiftProtobuf

// Values ⇄ messages of people.proto, total in both directions.

extension PBOwnOrganization {
    init(_ organization: OwnOrganization) {
        self.init()
        self.organization = organization.tenant.description
        name = organization.name
        role = organization.role
    }
}

extension PBSession {
    init(_ session: PersonSession, of person: ID<User>, isCurrent: Bool) {
        self.init()
        id = session.id.description
        kind = session.isBrowser ? .browser : .api
        if session.tenant.uuid != person.uuid { organization = session.tenant.description }
        address = session.address
        userAgent = session.userAgent
        createdAt = .init(milliseconds: session.createdAt)
        lastUsedAt = .init(milliseconds: session.seenAt)
        expiresAt = .init(milliseconds: session.expiresAt)
        current = isCurrent
    }
}

extension PBProfile {
    init(_ person: Person, _ organizations: [OwnOrganization], recoveryCodes: Int) {
        self.init()
        id = person.id.description
        email = person.email.text
        name = person.name
        secondFactor = person.secondFactor.isOn
        self.recoveryCodes = Int32(recoveryCodes)
        createdAt = .init(milliseconds: person.createdAt)
        self.organizations = organizations.map(PBOwnOrganization.init)
        version = person.version
    }
}
