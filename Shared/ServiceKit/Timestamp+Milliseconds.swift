import Foundation
import SwiftProtobuf

extension Google_Protobuf_Timestamp {
    /// Public times have milliseconds; what PostgreSQL keeps beyond that would print as noise.
    package init(milliseconds time: Date) {
        let milliseconds = Int64((time.timeIntervalSince1970 * 1000).rounded())
        let (seconds, rest) =
            milliseconds >= 0 ? (milliseconds / 1000, milliseconds % 1000) : ((milliseconds - 999) / 1000, (milliseconds % 1000 + 1000) % 1000)
        self.init(seconds: seconds, nanos: Int32(rest) * 1_000_000)
    }
}
