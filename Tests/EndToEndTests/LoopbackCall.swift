import Foundation

/// One HTTP/1.1 call to a program on this machine. Not URLSession, which refuses what chromedriver answers: its header lines have no space after
/// the colon.
enum LoopbackCall {
    struct Answer: Sendable {
        let status: Int
        let body: Data

        var text: String { String(decoding: body, as: UTF8.self) }
        /// The member `value` of a JSON answer.
        var value: Any? { (try? JSONSerialization.jsonObject(with: body) as? [String: Any])?["value"] }
    }

    /// - Parameter json: nothing for calls without a body.
    static func send(_ method: String, port: Int, _ path: String, json: Data? = nil) async throws -> Answer {
        var request = Data("\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n".utf8)
        if let json { request.append(Data("Content-Type: application/json\r\nContent-Length: \(json.count)\r\n".utf8)) }
        request.append(Data("\r\n".utf8))
        request.append(json ?? Data())
        let whole = request
        // Sockets block, so the call gets a thread of its own.
        return try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try exchange(port, whole) }) }
        }
    }

    private static func exchange(_ port: Int, _ request: Data) throws -> Answer {
        let socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { throw POSIXError(.EMFILE) }
        defer { close(socket) }
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard connected == 0 else { throw POSIXError(.ECONNREFUSED) }
        var rest = request[...]
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes { Foundation.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard sent > 0 else { throw POSIXError(.EPIPE) }
            rest = rest.dropFirst(sent)
        }
        var received = Data()
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            if let answer = answer(received) { return answer }
            let count = recv(socket, &piece, piece.count, 0)
            guard count > 0 else { throw POSIXError(.ETIMEDOUT) }
            received.append(contentsOf: piece[..<count])
        }
    }

    /// `nil` until all of it has come.
    private static func answer(_ received: Data) -> Answer? {
        guard let end = received.range(of: Data("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: received[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        let length =
            lines.first { $0.lowercased().hasPrefix("content-length:") }.flatMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) } ?? 0
        let body = received[end.upperBound...]
        guard body.count >= length, let status = lines[0].split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else { return nil }
        return Answer(status: status, body: Data(body.prefix(length)))
    }
}
