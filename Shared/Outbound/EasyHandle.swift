import COutbound
import Foundation
import Primitives

/// A libcurl easy handle with what must live as long as it does. Used over and over; only on the engine's thread.
final class EasyHandle {
    let pointer: UnsafeMutableRawPointer
    private let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    private var headers: UnsafeMutablePointer<curl_slist>?
    private var connectTo: UnsafeMutablePointer<curl_slist>?
    /// Held while libcurl has its address.
    private(set) var transfer: Transfer?

    init?() {
        guard let pointer = curl_easy_init() else { return nil }
        self.pointer = pointer
    }

    deinit {
        curl_easy_cleanup(pointer)
        dropLists()
        errorText.deallocate()
    }

    /// Sets everything a transfer needs. Nothing is left from the one before.
    /// - Returns: false if libcurl refused an option, which only happens without memory or with a URL of a form we did not foresee.
    func prepare(_ transfer: Transfer, authorities: String?, userAgent: String, now: ContinuousClock.Instant) -> Bool {
        let request = transfer.request
        errorText.pointee = 0
        self.transfer = transfer
        transfer.easy = pointer
        let context = Unmanaged.passUnretained(transfer).toOpaque()
        var isGood = outbound_set_error_text(pointer, errorText) == CURLE_OK
        func check(_ code: CURLcode) { isGood = isGood && code == CURLE_OK }
        func set(_ option: CURLoption, _ value: Int) { check(outbound_set_long(pointer, option, value)) }
        func set(_ option: CURLoption, _ text: String?) { check(outbound_set_text(pointer, option, text)) }

        check(outbound_set_callbacks(pointer, context, Transfer.onBody, Transfer.onHeader, Transfer.onSocket, Transfer.onRequest))
        set(CURLOPT_URL, request.url.description)
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_PATH_AS_IS, 1)
        set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1)
        set(CURLOPT_NOSIGNAL, 1)
        // An empty proxy also switches off what the environment says.
        set(CURLOPT_PROXY, "")
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
        set(CURLOPT_ACCEPT_ENCODING, "gzip, deflate, br")
        set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        if let authorities {
            set(CURLOPT_CAINFO, authorities)
        } else {
            // With a directory of authorities set libcurl reads the whole bundle for every handshake instead of caching it.
            set(CURLOPT_CAPATH, nil)
        }
        set(CURLOPT_MAXAGE_CONN, 60)
        set(CURLOPT_MAXLIFETIME_CONN, 600)
        set(CURLOPT_LOW_SPEED_LIMIT, 1)
        set(CURLOPT_LOW_SPEED_TIME, Int(request.limits.idle.components.seconds) + (request.limits.idle.components.attoseconds > 0 ? 1 : 0))
        set(CURLOPT_CONNECTTIMEOUT_MS, max(1, transfer.connectTimeout.milliseconds))
        set(CURLOPT_TIMEOUT_MS, max(1, now.duration(to: transfer.deadline).milliseconds))
        pin(transfer.address)
        check(outbound_set_list(pointer, CURLOPT_CONNECT_TO, connectTo))
        prepareMethod(request, check: check)
        prepareHeaders(request, userAgent: userAgent)
        check(outbound_set_list(pointer, CURLOPT_HTTPHEADER, headers))
        return isGood
    }

    /// Takes the handle back from its transfer.
    func reset() {
        curl_easy_reset(pointer)
        dropLists()
        transfer?.easy = nil
        transfer = nil
    }

    /// libcurl's own words for the last error.
    var explanation: String { String(cString: errorText) }

    /// Any host and port of this transfer is this address. libcurl then resolves nothing, keeps the name for `Host`, SNI and the
    /// certificate, and takes the address into the key of its connection pool, so a connection is only reused towards the address
    /// that this request has just had checked.
    private func pin(_ address: IPAddress) {
        connectTo = curl_slist_append(nil, address.family == .v6 ? "::[\(address)]:" : "::\(address):")
    }

    private func prepareMethod(_ request: HTTPRequest, check: (CURLcode) -> Void) {
        let hasBody = !request.body.isEmpty
        if request.method == "HEAD" {
            check(outbound_set_long(pointer, CURLOPT_NOBODY, 1))
        } else if hasBody || ["POST", "PUT", "PATCH"].contains(request.method) {
            check(outbound_set_long(pointer, CURLOPT_POST, 1))
            check(request.body.withUnsafeBytes { outbound_set_body(pointer, $0.baseAddress ?? UnsafeRawPointer(errorText), $0.count) })
        }
        if request.method != "HEAD" { check(outbound_set_text(pointer, CURLOPT_CUSTOMREQUEST, request.method)) }
    }

    private func prepareHeaders(_ request: HTTPRequest, userAgent: String) {
        func add(_ line: String) { headers = curl_slist_append(headers, line) }
        // Empty ones take out what libcurl would add by itself.
        add("Expect:")
        if request.headers.first("content-type") == nil { add("Content-Type:") }
        if request.headers.first("user-agent") == nil { add("User-Agent: \(userAgent)") }
        for header in request.headers {
            // "Name:" would remove the header; a semicolon is libcurl's way to send it without a value.
            add(header.value.allSatisfy { $0 == " " || $0 == "\t" } ? "\(header.name);" : "\(header.name): \(header.value)")
        }
    }

    private func dropLists() {
        curl_slist_free_all(headers)
        curl_slist_free_all(connectTo)
        headers = nil
        connectTo = nil
    }
}

extension Duration {
    var milliseconds: Int {
        let parts = components
        return Int(parts.seconds) * 1000 + Int(parts.attoseconds / 1_000_000_000_000_000)
    }
}
