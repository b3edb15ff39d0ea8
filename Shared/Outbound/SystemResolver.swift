// For SOCK_STREAM, which curl's headers bring with them where Swift is linked statically.
import COutbound
import Foundation
import Primitives

/// `getaddrinfo` on threads of its own: it blocks, for many seconds where a name server is silent, and cannot be stopped.
///
/// One per process, so that abandoned look-ups cannot add up to more than `threads` however many clients there are.
final class SystemResolver: @unchecked Sendable {
    static let shared = SystemResolver()

    private static let threads = 8
    /// Look-ups that may wait for a thread; distinct names, since equal ones share one look-up.
    private static let maximumWaiting = 256

    private typealias Answer = Result<[IPAddress], OutboundError>
    private struct Question {
        let host: String
        let continuation: CheckedContinuation<Answer, Never>
    }

    /// Guards `waiting`, which is why this class may call itself sendable.
    private let condition = NSCondition()
    private var waiting: [Question] = []

    private init() {
        for number in 1...Self.threads {
            let thread = Thread { self.serve() }
            thread.name = "resolver-\(number)"
            thread.start()
        }
    }

    func addresses(of host: String) async -> Result<[IPAddress], OutboundError> {
        await withCheckedContinuation { continuation in
            condition.withLock {
                guard waiting.count < Self.maximumWaiting else { return continuation.resume(returning: .failure(.saturated)) }
                waiting.append(Question(host: host, continuation: continuation))
                condition.signal()
            }
        }
    }

    private func serve() {
        while true {
            let question = condition.withLock {
                while waiting.isEmpty { condition.wait() }
                return waiting.removeFirst()
            }
            question.continuation.resume(returning: Self.lookUp(question.host))
        }
    }

    private static func lookUp(_ host: String) -> Answer {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, &hints, &list)
        guard code == 0 else { return .failure(.dns(String(cString: gai_strerror(code)))) }
        defer { freeaddrinfo(list) }
        var addresses: [IPAddress] = []
        var entry = list
        while let current = entry {
            if let raw = current.pointee.ai_addr, let address = IPAddress(raw), !addresses.contains(address) { addresses.append(address) }
            guard addresses.count <= Resolver.maximumAnswers else { return .failure(.dns("more than \(Resolver.maximumAnswers) addresses")) }
            entry = current.pointee.ai_next
        }
        return addresses.isEmpty ? .failure(.dns("no address")) : .success(addresses)
    }
}
