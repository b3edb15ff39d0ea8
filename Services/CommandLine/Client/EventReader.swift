import Foundation

/// Reads server-sent events as they arrive (https://html.spec.whatwg.org/multipage/server-sent-events.html), in pieces of any size.
struct EventReader {
    struct Event: Equatable {
        var id: String?
        var type = "message"
        var data = ""
    }

    /// No event of ours comes near; a stream without line breaks must not fill the memory.
    private static let maxLine = 1 << 20

    private var line: [UInt8] = []
    private var endedWithReturn = false
    private var event = Event()
    private var hasData = false
    /// Of the last event that had one; what to come back with.
    private(set) var lastID: String?

    /// - Throws: `unreachable` for what is no event stream.
    mutating func take(_ bytes: some Sequence<UInt8>) throws -> [Event] {
        var events: [Event] = []
        for byte in bytes {
            // CR, LF and CRLF end a line.
            if byte == 0x0A, endedWithReturn {
                endedWithReturn = false
                continue
            }
            endedWithReturn = byte == 0x0D
            guard byte == 0x0A || byte == 0x0D else {
                guard line.count < Self.maxLine else { throw ClientFailure.unreachable("the server's event stream cannot be read") }
                line.append(byte)
                continue
            }
            if line.isEmpty {
                if hasData { events.append(event) }
                event = Event(id: lastID)
                hasData = false
            } else {
                field(String(decoding: line, as: UTF8.self))
                line.removeAll(keepingCapacity: true)
            }
        }
        return events
    }

    private mutating func field(_ line: String) {
        let colon = line.firstIndex(of: ":") ?? line.endIndex
        var value = line[colon...].dropFirst()
        if value.first == " " { value = value.dropFirst() }
        switch line[..<colon] {
        case "data":
            event.data += (hasData ? "\n" : "") + value
            hasData = true
        case "event": event.type = String(value)
        case "id":
            lastID = String(value)
            event.id = lastID
        default: break
        }
    }
}
