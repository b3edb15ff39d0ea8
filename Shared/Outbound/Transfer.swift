import COutbound
import Foundation
import Primitives
import Synchronization

/// One exchange with one checked address: what goes to the engine, and what libcurl's callbacks gather.
///
/// Made by the task that sends, then handed over through the engine's mailbox; from there on only the engine's thread touches the
/// variables. `isCancelled` is the one thing both sides use. That is why it may call itself sendable.
final class Transfer: @unchecked Sendable {
    /// Why a callback stopped the transfer; libcurl itself only reports that one did.
    enum Stop {
        case failed(OutboundError)
        /// Enough of the body has been read.
        case cut
    }

    let request: HTTPRequest
    /// The only address this transfer may talk to.
    let address: IPAddress
    let policy: EgressPolicy
    let connectTimeout: Duration
    let deadline: ContinuousClock.Instant
    let isCancelled = Atomic(false)

    var continuation: CheckedContinuation<Result<Exchange, OutboundError>, Never>?
    /// The engine has received it. A cancellation can come first, while the sending task still writes `continuation`.
    var isHeld = false
    var stop: Stop?
    var easy: UnsafeMutableRawPointer?
    private(set) var status = 0
    private(set) var headers: [HTTPHeader] = []
    private(set) var body = Data()
    private(set) var headerBytes = 0
    private var isBodyCoded = false
    private var isHeadOver = false

    init(request: HTTPRequest, address: IPAddress, policy: EgressPolicy, connectTimeout: Duration, deadline: ContinuousClock.Instant) {
        self.request = request
        self.address = address
        self.policy = policy
        self.connectTimeout = connectTimeout
        self.deadline = deadline
    }

    func finish(_ result: Result<Exchange, OutboundError>) {
        continuation?.resume(returning: result)
        continuation = nil
    }

    /// One header line with its line end, the status line and the empty line included. False stops the transfer.
    func receive(header line: UnsafeBufferPointer<UInt8>) -> Bool {
        headerBytes += line.count
        guard headerBytes <= request.limits.headers else { return fail(.responseTooLarge(.headers)) }
        var end = line.count
        while end > 0, line[end - 1] == 0x0A || line[end - 1] == 0x0D || line[end - 1] == 0x20 || line[end - 1] == 0x09 { end -= 1 }
        let content = line[..<end]
        if content.isEmpty {
            isHeadOver = true
            return true
        }
        // Only an informational response is followed by another head; a line that looks like one elsewhere changes nothing.
        if status == 0 || isHeadOver && status < 200, content.starts(with: "HTTP/".utf8) {
            isHeadOver = false
            isBodyCoded = false
            headers = []
            status = Int(String(decoding: content.drop { $0 != 0x20 }.dropFirst().prefix(3), as: UTF8.self)) ?? 0
            return true
        }
        guard !isHeadOver else { return true }
        guard let colon = content.firstIndex(of: UInt8(ascii: ":")) else { return true }
        let value = content[(colon + 1)...].drop { $0 == 0x20 || $0 == 0x09 }
        let header = HTTPHeader(String(decoding: content[..<colon], as: UTF8.self), String(decoding: value, as: UTF8.self))
        headers.append(header)
        return header.name.caseInsensitivelyEquals("content-encoding") ? accept(coding: header.value) : true
    }

    /// libcurl also unpacks zstd, whose frames may ask for a window of 128 MiB. We never offer it, so whoever sends it breaks the protocol.
    private func accept(coding: String) -> Bool {
        for name in coding.lowercased().split(whereSeparator: { $0 == "," || $0 == " " }) {
            guard ["gzip", "x-gzip", "deflate", "br", "identity"].contains(name) else {
                return fail(.protocolViolation("it is encoded in a way that was not offered"))
            }
            if name != "identity" { isBodyCoded = true }
        }
        return true
    }

    /// A piece of decoded body. False stops the transfer.
    func receive(body piece: UnsafeRawBufferPointer) -> Bool {
        let room = request.limits.body - body.count
        guard piece.count <= room else {
            guard case .cut = request.limits.excess else { return fail(.responseTooLarge(.body)) }
            body.append(contentsOf: piece.prefix(room))
            stop = .cut
            return false
        }
        body.append(contentsOf: piece)
        if isBodyCoded, body.count > TransferLimits.ratioFree, let easy {
            let received = Int(outbound_offset(easy, CURLINFO_SIZE_DOWNLOAD_T))
            if body.count > received * TransferLimits.maximumRatio { return fail(.decompressionBomb) }
        }
        return true
    }

    /// Whether this is the address that was checked, and is still open under the policy.
    func accepts(peer: IPAddress?) -> Bool {
        guard let peer, peer == address else { return fail(.blockedTarget(.unexpectedPeer)) }
        if let reason = policy.refusal(of: peer, port: request.url.port) { return fail(.blockedTarget(reason)) }
        return true
    }

    private func fail(_ error: OutboundError) -> Bool {
        stop = .failed(error)
        return false
    }
}
