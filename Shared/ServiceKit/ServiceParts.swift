import Contract
import GRPCCore
import Jobs
import ServiceLifecycle

/// What a service consists of, handed to `ServiceProgram` to be run.
package struct ServiceParts: Sendable {
    package var rpc: [any RegistrableRPCService]
    /// The contract's rules for the methods in `rpc`. A method without one is for services only.
    package var rules: [MethodRule]
    package var jobs: [any JobHandler]
    /// Tickers and whatever else runs all the time. They end after the servers and before the job queue's connections.
    package var services: [any Service]
    /// What takes requests from outside, such as the gateway's HTTP server. The first to stop.
    package var servers: [any Service]
    /// What else must hold for this process to get work.
    package var checks: [Readiness.Check]
    /// Looked at before anything is served. A `ConfigFault` ends the process with 78: for settings that only the database can tell to be wrong.
    package var preflight: [@Sendable () async throws(ConfigFault) -> Void]

    package init(
        rpc: [any RegistrableRPCService] = [], rules: [MethodRule] = [], jobs: [any JobHandler] = [], services: [any Service] = [],
        servers: [any Service] = [], checks: [Readiness.Check] = [], preflight: [@Sendable () async throws(ConfigFault) -> Void] = []
    ) {
        self.rpc = rpc
        self.rules = rules
        self.jobs = jobs
        self.services = services
        self.servers = servers
        self.checks = checks
        self.preflight = preflight
    }
}
