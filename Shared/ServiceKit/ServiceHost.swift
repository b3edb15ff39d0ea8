import Configuration
import GRPCCore
import Jobs
import Logging
import Postgres

/// What a service is given to assemble itself from.
package struct ServiceHost: Sendable {
    package let name: String
    package let database: Database
    package let jobs: JobQueue
    package let listener: Listener
    /// Keys like `execution.concurrency`, read from `ASSAY_EXECUTION_CONCURRENCY`; for the service's `…Config` only.
    package let config: ConfigReader
    package let logger: Logger
    let upstreams: Upstreams

    /// The client of another service; calls carry `Caller.current`.
    package func upstream(_ service: String) throws -> GRPCClient<ServiceTransport> {
        try upstreams.client(service)
    }
}
