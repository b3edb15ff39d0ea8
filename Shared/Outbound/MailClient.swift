import COutbound
import Foundation
import Primitives

/// Hands mails to a relay over SMTP, one connection each. Every address that the relay's name resolves to is held against the policy by the socket
/// that would connect to it.
package final class MailClient: Sendable {
    private static let connectTimeout = Duration.seconds(10)
    private static let timeout = Duration.seconds(60)
    /// Larger mails are refused before anything is sent.
    package static let maximumBytes = 10 << 20

    private let relay: MailRelay
    private let policy: EgressPolicy
    private let authorities: String?

    /// - Parameter authorities: PEM file of certificate authorities to trust instead of the system's.
    package init(relay: MailRelay, policy: EgressPolicy, authorities: String? = nil) {
        self.relay = relay
        self.policy = policy
        self.authorities = authorities
    }

    /// Sends one message to one address. Blocks a thread of its own, so its caller bounds how many are under way.
    /// - Parameters:
    ///   - from: address of the envelope; `to` as well. Neither may hold what could end a command.
    ///   - message: RFC 5322, lines ended with CR LF.
    package func send(_ message: Data, from: String, to: String) async throws(MailError) {
        for address in [from, to] {
            guard !address.isEmpty, address.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "<") && $0 != UInt8(ascii: ">") })
            else { throw MailError(isPassing: false, detail: "an address of the envelope has a character that addresses do not have") }
        }
        guard message.count <= Self.maximumBytes else { throw MailError(isPassing: false, detail: "the mail is too large") }
        let result: Result<Void, MailError> = await withCheckedContinuation { continuation in
            let thread = Thread { [self] in continuation.resume(returning: perform(message, from: from, to: to)) }
            thread.name = "mail"
            thread.start()
        }
        try result.get()
    }

    private func perform(_ message: Data, from: String, to: String) -> Result<Void, MailError> {
        guard Engine.isReady, let easy = curl_easy_init() else { return .failure(MailError(isPassing: true, detail: "there is no memory")) }
        defer { curl_easy_cleanup(easy) }
        EngineLoop.blockBrokenPipe()
        let transfer = MailTransfer(message: message, policy: policy, port: relay.port)
        let recipients = curl_slist_append(nil, to)
        defer { curl_slist_free_all(recipients) }
        return withExtendedLifetime(transfer) {
            let text = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
            defer { text.deallocate() }
            text.pointee = 0
            guard prepare(easy, transfer, from: from, recipients, errors: text) else {
                return .failure(MailError(isPassing: false, detail: "the mail cannot be sent in this form"))
            }
            let code = curl_easy_perform(easy)
            guard code != CURLE_OK else { return .success(()) }
            if let reason = transfer.refusal { return .failure(MailError(isPassing: false, detail: "the relay is blocked: \(reason)")) }
            let status = outbound_long(easy, CURLINFO_RESPONSE_CODE)
            let words = text.pointee == 0 ? String(cString: curl_easy_strerror(code)) : String(cString: text)
            return .failure(MailError(isPassing: !(500...599).contains(status), detail: "\(words) (\(status))"))
        }
    }

    private func prepare(
        _ easy: UnsafeMutableRawPointer, _ transfer: MailTransfer, from: String, _ recipients: UnsafeMutablePointer<curl_slist>?,
        errors: UnsafeMutablePointer<CChar>
    ) -> Bool {
        var isGood = outbound_set_error_text(easy, errors) == CURLE_OK
        func check(_ code: CURLcode) { isGood = isGood && code == CURLE_OK }
        func set(_ option: CURLoption, _ value: Int) { check(outbound_set_long(easy, option, value)) }
        func set(_ option: CURLoption, _ text: String?) { check(outbound_set_text(easy, option, text)) }
        check(outbound_set_upload(easy, Unmanaged.passUnretained(transfer).toOpaque(), MailTransfer.onRead, MailTransfer.onSocket))
        set(CURLOPT_URL, relay.url)
        set(CURLOPT_PROTOCOLS_STR, "smtp,smtps")
        set(CURLOPT_PROXY, "")
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_CONNECTTIMEOUT_MS, Self.connectTimeout.milliseconds)
        set(CURLOPT_TIMEOUT_MS, Self.timeout.milliseconds)
        set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        if relay.security == .startTLS { set(CURLOPT_USE_SSL, Int(CURLUSESSL_ALL.rawValue)) }
        if let authorities { set(CURLOPT_CAINFO, authorities) }
        if let user = relay.user {
            set(CURLOPT_USERNAME, user)
            set(CURLOPT_PASSWORD, relay.password?.reveal() ?? "")
        }
        set(CURLOPT_MAIL_FROM, "<\(from)>")
        check(outbound_set_list(easy, CURLOPT_MAIL_RCPT, recipients))
        return isGood
    }
}

/// What libcurl's callbacks need while one mail is sent; only on that mail's thread.
private final class MailTransfer {
    private let message: Data
    private let policy: EgressPolicy
    private let port: UInt16
    private var offset = 0
    private(set) var refusal: BlockReason?

    init(message: Data, policy: EgressPolicy, port: UInt16) {
        self.message = message
        self.policy = policy
        self.port = port
    }

    private static func of(_ context: UnsafeMutableRawPointer?) -> MailTransfer {
        // Every transfer is prepared with one.
        Unmanaged<MailTransfer>.fromOpaque(context!).takeUnretainedValue()
    }

    static var onRead: curl_read_callback {
        { buffer, size, count, context in
            guard let buffer else { return 0 }
            return MailTransfer.of(context).copy(into: UnsafeMutableRawBufferPointer(start: buffer, count: size * count))
        }
    }

    private func copy(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let piece = message[(message.startIndex + offset)...].prefix(buffer.count)
        buffer.copyBytes(from: piece)
        offset += piece.count
        return piece.count
    }

    static var onSocket: curl_opensocket_callback {
        { context, _, address in
            guard let address, let offset = MemoryLayout<curl_sockaddr>.offset(of: \.addr) else { return CURL_SOCKET_BAD }
            let peer = IPAddress((UnsafeRawPointer(address) + offset).assumingMemoryBound(to: sockaddr.self))
            guard MailTransfer.of(context).accepts(peer) else { return CURL_SOCKET_BAD }
            return socket(address.pointee.family, address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue), address.pointee.protocol)
        }
    }

    private func accepts(_ peer: IPAddress?) -> Bool {
        refusal = peer.map { policy.refusal(of: $0, port: port) } ?? .unexpectedPeer
        return refusal == nil
    }
}
