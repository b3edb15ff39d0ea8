/// What one client, hence one process, spends on requests that users chose.
package struct OutboundLimits: Sendable {
    /// Transfers at once; each holds one socket, so keep it well under the limit of open files.
    package var inFlight: Int = 512
    /// Requests that may wait for one of those places; more are refused with `outbound_saturated`.
    package var waiting: Int = 8192
    /// Idle connections kept for reuse.
    package var idleConnections: Int = 512
    /// How long the addresses of a name are kept; 5 to 60 s in production, zero asks every time.
    package var addressLifetime: Duration = .seconds(30)
    /// Waiting for a name server, at most.
    package var dns: Duration = .seconds(5)
    /// Addresses of one host that are tried before giving up.
    package var addressesTried: Int = 4
    /// Sent where the request has none; should name a page that says who we are.
    package var userAgent: String = "Assay/1.0"
    /// PEM file of certificate authorities to trust besides the system's, for targets with a private one.
    package var authorities: String?

    package init() {}
}
