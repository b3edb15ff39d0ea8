import ExecutionAPI
import GRPCCore
import Primitives
import ServiceKit

extension Quotas {
    /// What Execution answers about an organization; the gateway asks on its own behalf, whoever made it ask.
    static func asking(_ execution: some PBUsage.ClientProtocol) -> @Sendable (ID<Tenant>) async throws -> Held {
        { tenant in
            let report = try await Caller.with(.service("gateway", tenant: tenant)) {
                try await CallContext.withDeadline(in: .seconds(2)) { try await execution.getUsage(PBGetUsageRequest()) }
            }
            return Held(runningTests: report.runningTests, storageBytes: report.storageBytes, storageFiles: report.storageFiles)
        }
    }
}
