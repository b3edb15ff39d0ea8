import Foundation
import Primitives

/// Keeps a flood of security events from becoming a flood of notifications: of events that are alike the first is told at once, and what follows
/// within a minute as one number at its end. An organization hears of twenty kinds a minute; what goes beyond that is one number too.
///
/// Memory is bounded by `maxKinds`; with more different events than that within a minute, further ones are only counted.
struct SecurityDamper {
    static let window: TimeInterval = 60
    static let maxKinds = 4096
    static let maxPerTenant = 20

    /// An event to tell, and how many like it it stands for.
    struct Report: Sendable, Equatable {
        let event: SecurityEvent
        let count: Int
        let at: Date
    }

    private struct Kind: Hashable {
        let type: String
        let tenant: ID<Tenant>?
        let subject: String
        let actor: String
        let address: String

        init(_ event: SecurityEvent) {
            type = event.type
            tenant = event.tenant
            subject = event.subject
            actor = event.actor
            address = event.address
        }
    }

    private struct Seen {
        var event: SecurityEvent
        let until: Date
        var count = 0
        var told = 0
        var at: Date
    }

    private struct Share {
        let until: Date
        var told = 0
        var held = 0
    }

    private var kinds: [Kind: Seen] = [:]
    private var shares: [ID<Tenant>?: Share] = [:]
    /// When `due` has something to do again; looking through all kinds at every event would be the flood's work.
    private var nextEnd = Date.distantFuture

    /// - Returns: what to tell now.
    mutating func take(_ event: SecurityEvent, now: Date) -> Report? {
        let kind = Kind(event)
        var seen = kinds[kind] ?? Seen(event: event, until: now + Self.window, at: now)
        guard kinds[kind] != nil || kinds.count < Self.maxKinds else { return hold(event.tenant, now) }
        seen.count += 1
        seen.event = event
        seen.at = now
        defer {
            kinds[kind] = seen
            nextEnd = min(nextEnd, seen.until)
        }
        guard seen.told == 0, seen.count >= event.threshold else { return nil }
        seen.told = seen.count
        guard mayTell(event.tenant, standingFor: seen.count, now) else { return nil }
        return Report(event: event, count: seen.count, at: now)
    }

    /// What was held back in windows that are over.
    mutating func due(now: Date) -> [Report] {
        guard now >= nextEnd else { return [] }
        var reports: [Report] = []
        for (kind, seen) in kinds where seen.until <= now {
            kinds[kind] = nil
            let rest = seen.count - seen.told
            guard seen.told > 0, rest > 0, mayTell(kind.tenant, standingFor: rest, now) else { continue }
            reports.append(Report(event: seen.event, count: rest, at: seen.at))
        }
        for (tenant, share) in shares where share.until <= now {
            shares[tenant] = nil
            guard share.held > 0 else { continue }
            let event = SecurityEvent(type: "security.events_suppressed", tenant: tenant, subject: "security")
            reports.append(Report(event: event, count: share.held, at: now))
        }
        nextEnd = (kinds.values.map(\.until) + shares.values.map(\.until)).min() ?? .distantFuture
        return reports
    }

    private mutating func mayTell(_ tenant: ID<Tenant>?, standingFor count: Int, _ now: Date) -> Bool {
        var share = shares[tenant] ?? Share(until: now + Self.window)
        defer { shares[tenant] = share }
        guard share.told < Self.maxPerTenant else {
            share.held += count
            return false
        }
        share.told += 1
        return true
    }

    private mutating func hold(_ tenant: ID<Tenant>?, _ now: Date) -> Report? {
        var share = shares[tenant] ?? Share(until: now + Self.window)
        share.held += 1
        // The map of shares is bounded like that of kinds: by not taking in tenants that have nothing there.
        if shares[tenant] != nil || shares.count < Self.maxKinds { shares[tenant] = share }
        return nil
    }
}
