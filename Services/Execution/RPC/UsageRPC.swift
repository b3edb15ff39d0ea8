import ExecutionAPI
import GRPCCore
import ServiceKit
import SwiftProtobuf

/// `assay.execution.v1.Usage`
struct UsageRPC: PBUsage.SimpleServiceProtocol {
    let usage: UsageStore

    func getUsage(request: PBGetUsageRequest, context: ServerContext) async throws -> PBUsageReport {
        let usage = try await usage.usage(of: Caller.current.tenant)
        return .with {
            $0.runningTests = usage.runningTests
            $0.storageBytes = usage.storageBytes
            $0.storageFiles = usage.storageFiles
        }
    }
}
