import Foundation
import Primitives

/// What came back at the end of the redirects.
package struct HTTPResponse: Sendable {
    package struct Redirect: Hashable, Sendable {
        /// The URL that answered with the redirect.
        package let url: TargetURL
        package let status: Int
    }

    package let status: Int
    /// In order, repeated names kept; of trailers and informational responses nothing.
    package let headers: [HTTPHeader]
    /// Decoded (gzip, deflate, br).
    package let body: Data
    /// The body was longer than its limit and the limits said `cut`.
    package let isCut: Bool
    /// Of the last hop.
    package let phases: Phases
    package let redirects: [Redirect]
    /// The URL that answered.
    package let url: TargetURL
    /// Where the last hop connected to.
    package let address: IPAddress
}
