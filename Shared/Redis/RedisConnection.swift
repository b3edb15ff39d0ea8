import CRedis
import Foundation

/// A connection that is open and knows its scripts. Touched by its thread only.
final class RedisConnection {
    /// For connecting, and for each step of the greeting.
    private static let patience = timeval(tv_sec: 1, tv_usec: 0)
    /// A connection on which nothing happens is tried this often.
    private static let heartbeat = Duration.seconds(5)

    /// What an answer is for, in the order in which answers come.
    private enum Expected {
        case call(RedisClient.Call)
        case pong(by: ContinuousClock.Instant)

        var deadline: ContinuousClock.Instant {
            switch self {
            case .call(let call): call.deadline
            case .pong(let deadline): deadline
            }
        }
    }

    private let context: UnsafeMutablePointer<redisContext>
    private let budget: Duration
    private var digests: [RedisScript: [UInt8]] = [:]
    private var expected: [Expected] = []
    /// Of those, how many have been answered.
    private var answered = 0
    private var isSent = true
    private var heardAt = ContinuousClock.now

    /// - Throws: `RedisError`, among them `slow` for a server that answers, but not within the budget.
    init(_ configuration: RedisConfiguration, scripts: [RedisScript], budget: Duration) throws(RedisError) {
        guard let context = redisConnectWithTimeout(configuration.host, Int32(configuration.port), Self.patience) else { throw .down }
        self.context = context
        self.budget = budget
        guard context.pointee.err == 0, redisSetTimeout(context, Self.patience) == REDIS_OK else { throw .down }
        if let password = configuration.password {
            try ask(["AUTH"] + (configuration.user.map { [$0] } ?? []) + [password])
        }
        if configuration.database != 0 { try ask(["SELECT", String(configuration.database)]) }
        for script in scripts { digests[script] = Array(try ask(["SCRIPT", "LOAD", script.source]).utf8) }
        let asked = ContinuousClock.now
        try ask(["PING"])
        guard ContinuousClock.now - asked <= budget else { throw .slow }
        context.pointee.flags &= ~REDIS_BLOCK
        _ = fcntl(context.pointee.fd, F_SETFL, fcntl(context.pointee.fd, F_GETFL) | O_NONBLOCK)
    }

    deinit { redisFree(context) }

    var isIdle: Bool { expected.count == answered }

    func append(_ call: RedisClient.Call) {
        var words: [[UInt8]] = [Array("EVALSHA".utf8), digests[call.script] ?? [], Array(String(call.keys.count).utf8)]
        words += call.keys
        words += call.arguments.map { Array(String($0).utf8) }
        send(words)
        expected.append(.call(call))
    }

    /// Sends what has been appended and hands out what has come.
    /// - Returns: whether something was answered.
    func exchange() throws(RedisError) -> Bool {
        if !isSent {
            var done: Int32 = 0
            guard redisBufferWrite(context, &done) == REDIS_OK else { throw .broken }
            isSent = done == 1
        }
        guard redisBufferRead(context) == REDIS_OK else { throw .broken }
        var hasAnswered = false
        while true {
            var reply: UnsafeMutableRawPointer?
            guard redisGetReplyFromReader(context, &reply) == REDIS_OK else { throw .broken }
            guard let reply else { break }
            defer { freeReplyObject(reply) }
            guard answered < expected.count else { throw .broken }
            if case .call(let call) = expected[answered] {
                let result = Self.integers(reply.assumingMemoryBound(to: redisReply.self))
                // Scripts that the server has lost come back with the next connection.
                if case .failure(.refused(let text)) = result, text.hasPrefix("NOSCRIPT") { throw .broken }
                call.answer.resume(returning: result)
            }
            answered += 1
            hasAnswered = true
        }
        if hasAnswered { heardAt = .now }
        if answered == expected.count || answered > 1024 {
            expected.removeFirst(answered)
            answered = 0
        }
        return hasAnswered
    }

    /// Waits for something to do: an answer, a byte on `other`, or an answer that is overdue.
    /// - Parameter isBusy: there is something to do already.
    func wait(orFor other: Int32, isBusy: Bool) throws(RedisError) {
        let now = ContinuousClock.now
        if isIdle, now - heardAt >= Self.heartbeat {
            send([Array("PING".utf8)])
            expected.append(.pong(by: now + budget))
            heardAt = now
            return
        }
        let due = isIdle ? heardAt + Self.heartbeat : expected[answered].deadline
        guard isIdle || due > now else { throw .slow }
        guard !isBusy else { return }
        var descriptors = [
            pollfd(fd: context.pointee.fd, events: Int16(isSent ? POLLIN : POLLIN | POLLOUT), revents: 0),
            pollfd(fd: other, events: Int16(POLLIN), revents: 0),
        ]
        poll(&descriptors, 2, Int32(max(1, (due - now) / .milliseconds(1) + 1)))
    }

    /// Tells everybody who still waits.
    func fail(_ error: RedisError) {
        for case .call(let call) in expected[answered...] { call.answer.resume(returning: .failure(error)) }
        expected = []
        answered = 0
    }

    // MARK: - Words

    private func send(_ words: [[UInt8]]) {
        Self.withWords(words) { pointers, lengths in
            _ = redisAppendCommandArgv(context, Int32(words.count), pointers, lengths)
        }
        isSent = false
    }

    /// Waits for the answer; before the connection is in use.
    @discardableResult
    private func ask(_ words: [String]) throws(RedisError) -> String {
        let reply = Self.withWords(words.map { Array($0.utf8) }) { redisCommandArgv(context, Int32(words.count), $0, $1) }
        guard let reply = reply?.assumingMemoryBound(to: redisReply.self) else { throw .down }
        defer { freeReplyObject(reply) }
        guard reply.pointee.type != REDIS_REPLY_ERROR else { throw .refused(Self.text(reply)) }
        return Self.text(reply)
    }

    private static func withWords<R>(_ words: [[UInt8]], _ body: (UnsafeMutablePointer<UnsafePointer<CChar>?>, UnsafePointer<Int>) -> R) -> R {
        let bytes = words.flatMap { $0 }
        return bytes.withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) { buffer in
                var pointers: [UnsafePointer<CChar>?] = []
                var offset = 0
                for word in words {
                    // An empty word still needs an address.
                    pointers.append(buffer.baseAddress.map { $0 + offset })
                    offset += word.count
                }
                let lengths = words.map(\.count)
                return pointers.withUnsafeMutableBufferPointer { pointers in
                    // A command has at least one word.
                    lengths.withUnsafeBufferPointer { body(pointers.baseAddress!, $0.baseAddress!) }
                }
            }
        }
    }

    private static func integers(_ reply: UnsafeMutablePointer<redisReply>) -> Result<[Int64], RedisError> {
        switch reply.pointee.type {
        case REDIS_REPLY_ERROR: return .failure(.refused(text(reply)))
        case REDIS_REPLY_ARRAY:
            let elements = (0..<Int(reply.pointee.elements)).compactMap { reply.pointee.element[$0]?.pointee }
            guard elements.allSatisfy({ $0.type == REDIS_REPLY_INTEGER }) else { return .failure(.refused("not a list of integers")) }
            return .success(elements.map { Int64($0.integer) })
        default: return .failure(.refused("not a list"))
        }
    }

    private static func text(_ reply: UnsafeMutablePointer<redisReply>) -> String {
        guard let text = reply.pointee.str else { return "" }
        return String(decoding: UnsafeRawBufferPointer(start: text, count: Int(reply.pointee.len)), as: UTF8.self)
    }
}
