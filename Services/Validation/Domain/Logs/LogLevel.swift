/// How bad a line of a log says that it is. In the order of badness; what a line does not say is unknown.
enum LogLevel: String, Sendable, CaseIterable {
    case trace, debug, info, warn, error, fatal, unknown

    /// The line says that something is wrong.
    var isTrouble: Bool { self == .error || self == .fatal }
    /// The line does not say that all is well: what rules make of it counts.
    var mayBeTrouble: Bool { self == .warn || isTrouble || self == .unknown }

    /// Bytes of a line in which its level stands.
    private static let reach = 160

    /// Reads it from the words that loggers write: in capitals anywhere near the beginning, in any case where nothing but a level can stand: in
    /// brackets, behind `level=` or `"level":`, before a colon at the line's beginning; and the letters of glog (`E0102 10:00:00`).
    init(of line: UnsafeBufferPointer<UInt8>) {
        let end = min(line.count, Self.reach)
        if let level = Self.glog(line) {
            self = level
            return
        }
        var start = 0
        while start < end {
            guard line[start].isASCIILetter else {
                start += 1
                continue
            }
            var stop = start
            while stop < line.count, line[stop].isASCIILetter { stop += 1 }
            if stop - start <= 9, let level = Self.level(line, start, stop) {
                self = level
                return
            }
            start = stop
        }
        self = .unknown
    }

    private static func level(_ line: UnsafeBufferPointer<UInt8>, _ start: Int, _ stop: Int) -> LogLevel? {
        var lowered = ""
        var isUpper = true
        for byte in line[start..<stop] {
            isUpper = isUpper && byte < 0x60
            lowered.unicodeScalars.append(Unicode.Scalar(byte | 0x20))
        }
        guard let level = words[lowered] else { return nil }
        func byte(_ place: Int) -> UInt8 { line.indices.contains(place) ? line[place] : 0x20 }
        let (before, after) = (byte(start - 1), byte(stop))
        // A part of a name: `ERROR_CODE`, `error-handler`.
        guard ![UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "/")].contains(where: { $0 == before || $0 == after }) else { return nil }
        if isUpper { return level }
        let isBracketed = before == UInt8(ascii: "[") && after == UInt8(ascii: "]")
        let isBeginning = start == 0 && after == UInt8(ascii: ":")
        return isBracketed || isBeginning || isNamed(line, before: start) ? level : nil
    }

    /// Whether `level=` or `"level":"` stands there, with or without quotation marks and blanks.
    private static func isNamed(_ line: UnsafeBufferPointer<UInt8>, before start: Int) -> Bool {
        var place = start
        while place > 0, [UInt8(ascii: "\""), UInt8(ascii: "'"), 0x20, UInt8(ascii: "="), UInt8(ascii: ":")].contains(line[place - 1]) { place -= 1 }
        guard place < start else { return false }
        for name in names where place >= name.count && line[(place - name.count)..<place].elementsEqual(name) { return true }
        return false
    }

    private static func glog(_ line: UnsafeBufferPointer<UInt8>) -> LogLevel? {
        guard line.count > 5, line[5] == 0x20, line[1..<5].allSatisfy({ (48...57).contains($0) }) else { return nil }
        switch line[0] {
        case UInt8(ascii: "I"): return .info
        case UInt8(ascii: "W"): return .warn
        case UInt8(ascii: "E"): return .error
        case UInt8(ascii: "F"): return .fatal
        default: return nil
        }
    }

    private static let names = ["level", "lvl", "severity", "levelname"].map { Array($0.utf8) }
    private static let words: [String: LogLevel] = [
        "trace": .trace, "finest": .trace, "finer": .trace, "verbose": .trace, "debug": .debug, "fine": .debug, "info": .info, "notice": .info,
        "information": .info, "warn": .warn, "warning": .warn, "error": .error, "err": .error, "severe": .error, "fatal": .fatal,
        "critical": .fatal, "crit": .fatal, "alert": .fatal, "emerg": .fatal, "panic": .fatal,
    ]
}

extension UInt8 {
    fileprivate var isASCIILetter: Bool { (0x41...0x5A).contains(self & 0xDF) }
}
