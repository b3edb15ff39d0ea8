import Foundation

/// Reads the timestamps of reports: ISO 8601 date and time, a fraction, `Z` or an offset. Without a zone it is UTC.
enum ReportTime {
    /// How far from now a report may claim to be; anything else is a clock that is wrong.
    static let tolerance: TimeInterval = 24 * 3600

    /// `nil` when it cannot be read.
    static func read(_ text: UnsafeBufferPointer<UInt8>) -> Date? {
        guard text.count >= 19, text.count <= 40,
            let year = number(text, 0, 4), let month = number(text, 5, 2), let day = number(text, 8, 2),
            let hour = number(text, 11, 2), let minute = number(text, 14, 2), let second = number(text, 17, 2),
            text[4] == dash, text[7] == dash, text[10] == UInt8(ascii: "T") || text[10] == 0x20, text[13] == colon, text[16] == colon,
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second <= 60
        else { return nil }
        var index = 19
        var fraction = 0.0
        if index < text.count, text[index] == UInt8(ascii: ".") || text[index] == UInt8(ascii: ",") {
            var scale = 0.1
            index += 1
            while index < text.count, let digit = number(text, index, 1) {
                fraction += Double(digit) * scale
                scale /= 10
                index += 1
            }
        }
        guard let offset = offset(text, index) else { return nil }
        let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
        return Date(timeIntervalSince1970: Double(seconds) + fraction)
    }

    /// Seconds east of UTC; `nil` when what stands there is no zone.
    private static func offset(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int? {
        let rest = text[start...].filter { $0 != colon && $0 != 0x20 }
        guard let sign = rest.first, rest != [UInt8(ascii: "Z")] else { return 0 }
        guard sign == UInt8(ascii: "+") || sign == dash, rest.count == 5 || rest.count == 3 else { return nil }
        return rest.withUnsafeBufferPointer { digits in
            guard let hours = number(digits, 1, 2), let minutes = digits.count == 5 ? number(digits, 3, 2) : 0, hours < 15, minutes < 60 else {
                return nil
            }
            return (hours * 3600 + minutes * 60) * (sign == dash ? -1 : 1)
        }
    }

    /// Days since 1970-01-01 in the proleptic Gregorian calendar (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let y = month <= 2 ? year - 1 : year
        let era = y / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func number(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ length: Int) -> Int? {
        guard start + length <= text.count else { return nil }
        var value = 0
        for byte in text[start..<start + length] {
            guard byte &- UInt8(ascii: "0") < 10 else { return nil }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return value
    }

    private static let dash = UInt8(ascii: "-")
    private static let colon = UInt8(ascii: ":")
}
