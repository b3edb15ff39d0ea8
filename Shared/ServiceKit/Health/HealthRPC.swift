import GRPCCore
import HealthAPI

/// `grpc.health.v1.Health`, for probes of service meshes. Answers for the process as a whole, whatever service is named.
struct HealthRPC: PBHealth.SimpleServiceProtocol {
    let readiness: Readiness

    private static let interval = Duration.seconds(5)

    func check(request: PBHealthCheckRequest, context: ServerContext) async throws -> PBHealthCheckResponse {
        PBHealthCheckResponse().with(await status())
    }

    /// Sends the present status, then every change of it, until the caller leaves or the process stops.
    func watch(request: PBHealthCheckRequest, response: RPCWriter<PBHealthCheckResponse>, context: ServerContext) async throws {
        var last: PBHealthCheckResponse.ServingStatus?
        while !Task.isCancelled {
            let now = await status()
            if now != last { try await response.write(PBHealthCheckResponse().with(now)) }
            last = now
            if readiness.isDraining { return }
            try await Task.sleep(for: Self.interval)
        }
    }

    private func status() async -> PBHealthCheckResponse.ServingStatus {
        await readiness.report().isReady ? .serving : .notServing
    }
}

extension PBHealthCheckResponse {
    fileprivate func with(_ status: ServingStatus) -> PBHealthCheckResponse {
        var copy = self
        copy.status = status
        return copy
    }
}
