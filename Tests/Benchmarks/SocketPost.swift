import Foundation

/// One POST over a connection of its own: sixty-four at once cost this process next to nothing, and whoever cuts the connection is seen to do it.
struct SocketPost: Sendable {
    /// Of 127.0.0.1.
    let port: Int
    let target: String
    var headers: [String: String]
    let body: Data
    /// The body goes out in so many pieces with so much time between them, as over a network that is not this machine's own.
    var pieces = 1
    var pause = Duration.zero
    /// How long to wait for the other side to take or to send something.
    var patience = 70

    enum Outcome: Sendable {
        case answered(Answer)
        /// Nobody listens.
        case refused
        /// The connection ended before there was an answer; whether the request was carried out is not known.
        case cut
        /// Nothing came for as long as patience lasts.
        case silent
    }

    struct Answer: Sendable {
        let status: Int
        let body: Data

        func string(_ name: String) -> String { members[name] as? String ?? "" }
        func flag(_ name: String) -> Bool { members[name] as? Bool ?? false }
        private var members: [String: Any] { (try? JSONSerialization.jsonObject(with: body)) as? [String: Any] ?? [:] }
    }

    /// Blocking calls, on a thread of their own.
    func send() async -> Outcome {
        await withCheckedContinuation { continuation in
            let thread = Thread { continuation.resume(returning: carryOut()) }
            thread.stackSize = 256 << 10
            thread.start()
        }
    }

    private func carryOut() -> Outcome {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return .refused }
        defer { close(descriptor) }
        var limit = timeval(tv_sec: patience, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] { setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size)) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port)).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard connected == 0 else { return .refused }
        let fields = headers.map { "\($0.key): \($0.value)\r\n" }.joined()
        let head = "POST \(target) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nContent-Length: \(body.count)\r\nConnection: close\r\n\(fields)\r\n"
        // A side that has answered already does not read on: its answer is there all the same.
        if write(Data(head.utf8), to: descriptor) {
            let size = max(1, (body.count + pieces - 1) / pieces)
            for start in stride(from: 0, to: body.count, by: size) {
                if start > 0, pause > .zero { Thread.sleep(forTimeInterval: pause / .seconds(1)) }
                guard write(body[start..<min(start + size, body.count)], to: descriptor) else { break }
            }
        }
        return read(descriptor)
    }

    private func write(_ data: Data, to descriptor: Int32) -> Bool {
        data.withUnsafeBytes { bytes in
            var done = 0
            while done < bytes.count {
                let count = Glibc.send(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, Int32(MSG_NOSIGNAL))
                if count <= 0 { return false }
                done += count
            }
            return true
        }
    }

    private func read(_ descriptor: Int32) -> Outcome {
        var bytes = Data()
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count > 0 {
                bytes.append(contentsOf: buffer[..<count])
                if let answer = Self.answer(bytes) { return .answered(answer) }
            } else {
                return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? .silent : .cut
            }
        }
    }

    /// `nil` until all of it is there.
    private static func answer(_ bytes: Data) -> Answer? {
        guard let end = bytes.range(of: Data("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        let length = lines.first { $0.lowercased().hasPrefix("content-length:") }.flatMap {
            Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces))
        }
        guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }), bytes.count >= end.upperBound + (length ?? 0)
        else { return nil }
        return Answer(status: status, body: bytes[end.upperBound..<(end.upperBound + (length ?? 0))])
    }
}
