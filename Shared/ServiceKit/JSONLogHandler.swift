import Foundation
import Logging

/// One JSON object a line (R58): `time` (RFC 3339, milliseconds, UTC), `level`, `service`, `message`, `request_id` and `trace_id` of the call
/// being served, then the metadata under its own names.
///
/// A line cannot be forged from within (T96): control characters are escaped, and every value ends after 8 KiB.
package struct JSONLogHandler: LogHandler {
    package static let maxValue = 8 * 1024

    package var logLevel: Logger.Level = .info
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let service: String
    private let write: @Sendable (consuming [UInt8]) -> Void

    /// - Parameter write: gets whole lines with their newline; the default is one `write(2)` to standard output, so that lines do not mix.
    package init(
        label: String, service: String, metadataProvider: Logger.MetadataProvider? = Self.callProvider,
        write: @escaping @Sendable (consuming [UInt8]) -> Void = JSONLogHandler.toStandardOutput
    ) {
        self.label = label
        self.service = service
        self.metadataProvider = metadataProvider
        self.write = write
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var line = JSONLine()
        line.add("time", Self.timestamp(Date()))
        line.add("level", event.level.rawValue)
        line.add("service", service)
        if label != service { line.add("logger", label) }
        line.add("message", event.message.description)
        if let error = event.error { line.add("error", String(reflecting: error)) }
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
        if let own = event.metadata { all.merge(own) { $1 } }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) {
            line.add(Self.reserved.contains(key) ? key + "_" : key, value)
        }
        write(line.finish())
    }

    /// Metadata may not replace what the line itself says.
    private static let reserved: Set<String> = ["time", "level", "service", "logger", "message", "error"]

    /// Request and trace of the task-local call.
    package static let callProvider = Logger.MetadataProvider {
        guard let call = CallContext.current else { return [:] }
        return ["request_id": .string(call.requestID), "trace_id": .string(call.trace.traceID)]
    }

    @Sendable package static func toStandardOutput(_ line: consuming [UInt8]) {
        var rest = line[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Foundation.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if written < 0 && errno == EINTR { continue }
            // A log that cannot be written (closed pipe, full disk) must not stop the service.
            guard written > 0 else { return }
            rest = rest.dropFirst(written)
        }
    }

    /// Formatted by hand: `Date.formatted` costs some 20 µs a line.
    static func timestamp(_ date: Date) -> String {
        let milliseconds = Int64((date.timeIntervalSince1970 * 1000).rounded(.down))
        var seconds = time_t(milliseconds / 1000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func digits(_ value: Int, _ count: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
        }
        let day = "\(digits(Int(parts.tm_year) + 1900, 4))-\(digits(Int(parts.tm_mon) + 1, 2))-\(digits(Int(parts.tm_mday), 2))"
        let time = "\(digits(Int(parts.tm_hour), 2)):\(digits(Int(parts.tm_min), 2)):\(digits(Int(parts.tm_sec), 2))"
        return "\(day)T\(time).\(digits(Int(milliseconds % 1000), 3))Z"
    }
}
