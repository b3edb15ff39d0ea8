import Foundation

/// One response of one address, before redirects are looked at.
struct Exchange: Sendable {
    let status: Int
    let headers: [HTTPHeader]
    let body: Data
    let isCut: Bool
    /// Microseconds since the engine started the transfer; 0 where the step did not happen.
    let connected: Int
    let secured: Int
    let firstByte: Int
    let ended: Int
}
