import GRPCCore
import GatewayAPI
import SwiftProtobuf

/// What the gateway allows.
struct LimitsRPC: PBLimits.SimpleServiceProtocol {
    let catalogue: LimitCatalogue

    func listLimits(request: PBListLimitsRequest, context: ServerContext) async throws -> PBListLimitsResponse {
        .with { $0.data = catalogue.all.map(PBLimit.init) }
    }
}

extension PBLimit {
    init(_ limit: Limit) {
        self.init()
        name = limit.name
        value = limit.value
        unit = limit.unit.rawValue
        scope = limit.scope.rawValue
        description_p = limit.about
        configurable = limit.isConfigurable
        mode =
            switch limit.mode {
            case .enforce: .enforce
            case .shadow: .shadow
            case .off: .off
            }
    }
}
