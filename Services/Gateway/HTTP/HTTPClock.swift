import Foundation
import Synchronization

/// The text of the Date header (RFC 9110, section 5.6.7), made once a second.
final class HTTPClock: Sendable {
    private let last = Mutex<(second: Int64, text: String)>((0, ""))

    func now() -> (date: String, unixTime: Int64) {
        let second = Int64(time(nil))
        let text = last.withLock { last in
            if last.second != second { last = (second, Self.text(second)) }
            return last.text
        }
        return (text, second)
    }

    static func text(_ second: Int64) -> String {
        var seconds = time_t(second)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(parts.tm_year + 1900) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
    }
}
