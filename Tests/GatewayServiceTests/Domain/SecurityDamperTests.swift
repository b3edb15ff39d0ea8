import Foundation
import Primitives
import Testing

@testable import GatewayService

@Suite("security events are told without a flood") struct SecurityDamperTests {
    private let tenant = ID<Tenant>.new()
    private let start = Date(timeIntervalSince1970: 1_780_000_000)

    private func refusal(_ subject: String) -> SecurityEvent {
        .permissionRefused(subject, tenant: tenant, actor: "key_1", from: "192.0.2.1")
    }

    @Test("the first is told at once, the rest of its minute as one number")
    func repetitions() {
        var damper = SecurityDamper()
        #expect(damper.take(refusal("a"), now: start)?.count == 1)
        for second in 1...30 { #expect(damper.take(refusal("a"), now: start + Double(second)) == nil) }
        #expect(damper.due(now: start + 59).isEmpty)
        #expect(damper.due(now: start + 60).map(\.count) == [30])
        #expect(damper.due(now: start + 120).isEmpty)
        #expect(damper.take(refusal("a"), now: start + 121)?.count == 1)
    }

    @Test("an event with a threshold is told when it is reached, and not at all below it")
    func threshold() {
        var damper = SecurityDamper()
        let event = SecurityEvent.unknownObject("run.not_found", tenant: tenant, actor: "key_1", from: "192.0.2.1")
        for _ in 1...9 { #expect(damper.take(event, now: start) == nil) }
        #expect(damper.take(event, now: start)?.count == 10)
        #expect(damper.due(now: start + 60).isEmpty)
        #expect(damper.take(event, now: start + 60) == nil)
        #expect(damper.due(now: start + 120).isEmpty)
    }

    @Test("an organization hears of twenty kinds a minute, and then how many more there were")
    func perTenant() {
        var damper = SecurityDamper()
        let told = (0..<500).compactMap { damper.take(refusal("\($0)"), now: start) }
        #expect(told.count == SecurityDamper.maxPerTenant)
        let rest = damper.due(now: start + 60)
        #expect(rest.map(\.event.type) == ["security.events_suppressed"])
        #expect(rest.map(\.count) == [480])
        #expect(damper.take(refusal("0"), now: start + 61) != nil)
    }

    @Test("no event goes uncounted, whether it was told, held back or repeated")
    func nothingIsLost() {
        var damper = SecurityDamper()
        var told = 0
        for number in 0..<10_000 { told += damper.take(refusal("\(number % 1000)"), now: start)?.count ?? 0 }
        told += damper.due(now: start + 60).map(\.count).reduce(0, +)
        #expect(told == 10_000)
    }

    @Test("one organization's flood keeps no other from hearing of its own")
    func otherTenants() {
        var damper = SecurityDamper()
        for number in 0..<1000 { _ = damper.take(refusal("\(number)"), now: start) }
        let other = SecurityEvent.permissionRefused("a", tenant: .new(), actor: "key_2", from: "192.0.2.2")
        #expect(damper.take(other, now: start)?.event == other)
    }

    @Test("more kinds than there is room for are counted, and room comes back")
    func bound() {
        var damper = SecurityDamper()
        for number in 0..<10_000 { _ = damper.take(refusal("\(number)"), now: start) }
        let held = damper.due(now: start + 60).map(\.count).reduce(0, +)
        #expect(held == 10_000 - SecurityDamper.maxPerTenant)
        #expect(damper.take(refusal("new"), now: start + 60) != nil)
    }
}
