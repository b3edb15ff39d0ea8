import Foundation
import GRPCCore
import GatewayAPI
import Primitives
import ServiceKit
import SwiftProtobuf

/// `assay.gateway.v1.Quotas`
struct QuotasRPC: PBQuotas.SimpleServiceProtocol {
    let quotas: Quotas

    func listQuotas(request: PBListQuotasRequest, context: ServerContext) async throws -> PBListQuotasResponse {
        .with(try await quotas.list(of: Caller.current.tenant))
    }

    func getOrganizationQuotas(request: PBGetOrganizationQuotasRequest, context: ServerContext) async throws -> PBListQuotasResponse {
        .with(try await quotas.list(of: ID<Tenant>(request.organization, field: "organization")))
    }

    /// Who may call it decides the contract; whose limits they are the path, not the caller.
    func setQuotas(request: PBSetQuotasRequest, context: ServerContext) async throws -> PBListQuotasResponse {
        let tenant = try ID<Tenant>(request.organization, field: "organization")
        var overrides: [Quota.Kind: QuotaStore.Override?] = [:]
        for (index, message) in request.overrides.enumerated() {
            let (kind, override) = try QuotaStore.Override.read(message, at: index)
            guard overrides.updateValue(override, forKey: kind) == nil else { throw Fault.quotaTwice(message.name, at: index) }
        }
        try await quotas.set(overrides, version: request.version, of: tenant)
        return .with(try await quotas.list(of: tenant))
    }
}

extension QuotaStore.Override {
    /// - Throws: `request.invalid` naming the field.
    static func read(_ message: PBQuotaOverride, at index: Int) throws(Fault) -> (Quota.Kind, QuotaStore.Override?) {
        guard let kind = Quota.Kind(rawValue: message.name) else { throw .quotaUnknown(message.name, at: index) }
        guard message.hasHardLimit else {
            guard !message.hasSoftLimit else { throw .quotaLimitOutOfRange(at: index) }
            return (kind, nil)
        }
        let range = 0...QuotaLimit.largest
        guard range.contains(message.hardLimit), !message.hasSoftLimit || (0...message.hardLimit).contains(message.softLimit) else {
            throw .quotaLimitOutOfRange(at: index)
        }
        return (kind, QuotaStore.Override(hard: message.hardLimit, soft: message.hasSoftLimit ? message.softLimit : nil))
    }
}

extension PBListQuotasResponse {
    fileprivate static func with(_ listed: (quotas: [Quota], version: Int64)) -> PBListQuotasResponse {
        .with {
            $0.data = listed.quotas.map(PBQuota.init)
            $0.version = listed.version
        }
    }
}

extension PBQuota {
    init(_ quota: Quota) {
        self.init()
        name = quota.kind.rawValue
        unit = quota.kind.unit
        if let used = quota.used { self.used = used }
        softLimit = quota.limit.soft
        hardLimit = quota.limit.hard
        if let moment = quota.resetsAt { resetsAt = Google_Protobuf_Timestamp(milliseconds: moment) }
        if let moment = quota.runsOutAt { runsOutAt = Google_Protobuf_Timestamp(milliseconds: moment) }
        overridden = quota.isOverridden
        description_p = quota.kind.about + "."
        state =
            switch quota.state {
            case .fine: .ok
            case .warning: .warning
            case .exhausted: .exhausted
            }
    }
}
