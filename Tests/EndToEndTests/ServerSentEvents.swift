import Foundation

/// Reads a stream of server-sent events to its end, as a browser would, by curl: it streams where URLSession on Linux buffers.
struct ServerSentEvents: Sendable {
    let id: String
    let event: String
    let data: String

    static func read(_ url: String, key: String, lastEventID: String? = nil, within seconds: Int = 30) async throws -> [ServerSentEvents] {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/curl")
        process.arguments =
            ["-sN", "--max-time", "\(seconds)", "-H", "Authorization: Bearer \(key)", "-H", "Accept: text/event-stream"]
            + (lastEventID.map { ["-H", "Last-Event-ID: \($0)"] } ?? []) + [url]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: pipe.fileHandleForReading.readDataToEndOfFile()) }
        }
        return String(decoding: data, as: UTF8.self).components(separatedBy: "\n\n").compactMap { block in
            var fields: [String: String] = [:]
            for line in block.split(separator: "\n") {
                guard let colon = line.firstIndex(of: ":"), colon != line.startIndex else { continue }
                fields[String(line[..<colon])] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            }
            guard let data = fields["data"] else { return nil }
            return ServerSentEvents(id: fields["id"] ?? "", event: fields["event"] ?? "", data: data)
        }
    }
}
