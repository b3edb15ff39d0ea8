import COutbound
import Foundation
import Primitives
import Synchronization

/// One bucket of an S3, which the operator chose: so no policy of egress holds here. Paths are `/<bucket>/<key>`, which every S3 understands; requests are
/// signed by libcurl (AWS Signature Version 4), each with the hash of its body.
///
/// Calls block their thread. Connections are kept with the handles that made them.
package final class S3Client: Sendable {
    package struct Settings: Sendable {
        /// `https://s3.eu-central-1.amazonaws.com`, without a slash at the end.
        package let endpoint: String
        package let bucket: String
        package let region: String
        package let accessKey: String
        package let secretKey: Secret<String>

        package init(endpoint: String, bucket: String, region: String, accessKey: String, secretKey: Secret<String>) {
            self.endpoint = endpoint
            self.bucket = bucket
            self.region = region
            self.accessKey = accessKey
            self.secretKey = secretKey
        }
    }

    private static let connectTimeout = 5_000
    /// Milliseconds; an object of gigabytes needs its time, one that stands still does not get it.
    private static let timeout = 600_000
    private static let idleSeconds = 20
    private static let mostIdleHandles = 16
    /// SHA-256 of nothing.
    private static let emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    private let settings: Settings
    private let authorities: String?
    private let idle = Mutex<[Handle]>([])

    /// A handle between two requests.
    private struct Handle: @unchecked Sendable {
        // Unchecked: libcurl lets a handle go from thread to thread, one at a time.
        let pointer: UnsafeMutableRawPointer
    }

    /// - Parameter authorities: PEM file of certificate authorities to trust instead of the system's.
    package init(_ settings: Settings, authorities: String? = nil) {
        self.settings = settings
        self.authorities = authorities
    }

    deinit {
        for handle in idle.withLock({ $0 }) { curl_easy_cleanup(handle.pointer) }
    }

    /// Writes an object, all of it or nothing.
    package func put(_ file: URL, bytes: Int64, sha256: String, key: String) throws(S3Error) {
        let transfer = S3Transfer(upload: open(file.path, O_RDONLY | O_CLOEXEC), limit: 64 << 10)
        let status = try perform("PUT", key, hash: sha256, uploadBytes: bytes, transfer)
        guard (200...299).contains(status) else { throw S3Error(status: status, detail: transfer.text) }
    }

    /// Bytes of an object, fewer when it ends before; `nil` when there is no such object.
    package func get(_ key: String, _ range: Range<Int64>) throws(S3Error) -> Data? {
        let transfer = S3Transfer(upload: nil, limit: max(range.count, 64 << 10))
        let status = try perform(
            "GET", key, hash: Self.emptyHash, headers: ["Range: bytes=\(range.lowerBound)-\(range.upperBound - 1)"], transfer)
        switch status {
        case 200, 206: return transfer.received
        case 404: return nil
        default: throw S3Error(status: status, detail: transfer.text)
        }
    }

    /// An object that is not there is deleted already.
    package func delete(_ key: String) throws(S3Error) {
        let transfer = S3Transfer(upload: nil, limit: 64 << 10)
        let status = try perform("DELETE", key, hash: Self.emptyHash, transfer)
        guard (200...299).contains(status) || status == 404 else { throw S3Error(status: status, detail: transfer.text) }
    }

    private func perform(
        _ method: String, _ key: String, hash: String, headers: [String] = [], uploadBytes: Int64? = nil, _ transfer: S3Transfer
    ) throws(S3Error) -> Int {
        guard let easy = take() else { throw S3Error(status: 0, detail: "there is no memory") }
        EngineLoop.blockBrokenPipe()
        var list: UnsafeMutablePointer<curl_slist>?
        for line in ["x-amz-content-sha256: \(hash)"] + headers { list = curl_slist_append(list, line) }
        defer { curl_slist_free_all(list) }
        var isGood = true
        func check(_ code: CURLcode) { isGood = isGood && code == CURLE_OK }
        func set(_ option: CURLoption, _ value: Int) { check(outbound_set_long(easy, option, value)) }
        func set(_ option: CURLoption, _ text: String?) { check(outbound_set_text(easy, option, text)) }

        let context = Unmanaged.passUnretained(transfer).toOpaque()
        check(outbound_set_callbacks(easy, context, S3Transfer.onBody, S3Transfer.onHeader, S3Transfer.onSocket, S3Transfer.onRequest))
        if let uploadBytes {
            check(outbound_set_upload(easy, context, S3Transfer.onRead, S3Transfer.onSocket))
            set(CURLOPT_INFILESIZE_LARGE, Int(uploadBytes))
        } else if method != "GET" {
            set(CURLOPT_CUSTOMREQUEST, method)
        }
        set(CURLOPT_URL, "\(settings.endpoint)/\(settings.bucket)/\(key)")
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_PATH_AS_IS, 1)
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_PROXY, "")
        set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        if let authorities { set(CURLOPT_CAINFO, authorities) }
        set(CURLOPT_AWS_SIGV4, "aws:amz:\(settings.region):s3")
        set(CURLOPT_USERNAME, settings.accessKey)
        set(CURLOPT_PASSWORD, settings.secretKey.reveal())
        set(CURLOPT_CONNECTTIMEOUT_MS, Self.connectTimeout)
        set(CURLOPT_TIMEOUT_MS, Self.timeout)
        set(CURLOPT_LOW_SPEED_LIMIT, 1)
        set(CURLOPT_LOW_SPEED_TIME, Self.idleSeconds)
        check(outbound_set_list(easy, CURLOPT_HTTPHEADER, list))
        guard isGood else {
            curl_easy_cleanup(easy)
            throw S3Error(status: 0, detail: "the request cannot be sent in this form")
        }
        let code = withExtendedLifetime(transfer) { curl_easy_perform(easy) }
        let status = outbound_long(easy, CURLINFO_RESPONSE_CODE)
        guard code == CURLE_OK else {
            curl_easy_cleanup(easy)
            throw S3Error(status: 0, detail: String(cString: curl_easy_strerror(code)))
        }
        giveBack(easy)
        return status
    }

    private func take() -> UnsafeMutableRawPointer? {
        guard Engine.isReady else { return nil }
        return idle.withLock { $0.popLast() }?.pointer ?? curl_easy_init()
    }

    private func giveBack(_ easy: UnsafeMutableRawPointer) {
        // Options go, connections stay.
        curl_easy_reset(easy)
        let handle = Handle(pointer: easy)
        let isKept = idle.withLock { handles in
            guard handles.count < Self.mostIdleHandles else { return false }
            handles.append(handle)
            return true
        }
        if !isKept { curl_easy_cleanup(easy) }
    }
}

/// What kept a bucket from doing what it was asked for.
package struct S3Error: Error, Sendable {
    /// Of the answer; 0 when there was none.
    package let status: Int
    /// For operators; holds no credentials.
    package let detail: String
}

/// What libcurl's callbacks need during one request; only on its thread.
private final class S3Transfer {
    private let upload: Int32?
    private let limit: Int
    private(set) var received = Data()

    /// - Parameters:
    ///   - upload: an open file, closed at the end.
    ///   - limit: bytes of an answer.
    init(upload: Int32?, limit: Int) {
        self.upload = upload
        self.limit = limit
    }

    deinit {
        if let upload, upload >= 0 { close(upload) }
    }

    /// What the store says of an error, which is XML for people.
    var text: String { String(decoding: received.prefix(500), as: UTF8.self) }

    private static func of(_ context: UnsafeMutableRawPointer?) -> S3Transfer {
        // Every request is prepared with one.
        Unmanaged<S3Transfer>.fromOpaque(context!).takeUnretainedValue()
    }

    static var onRead: curl_read_callback {
        { buffer, size, count, context in
            guard let buffer, let upload = S3Transfer.of(context).upload else { return 0 }
            let got = read(upload, buffer, size * count)
            return got < 0 ? Int(CURL_READFUNC_ABORT) : got
        }
    }

    static var onBody: curl_write_callback {
        { bytes, size, count, context in
            let transfer = S3Transfer.of(context)
            guard let bytes, transfer.received.count + size * count <= transfer.limit else { return 0 }
            transfer.received.append(UnsafeRawPointer(bytes).assumingMemoryBound(to: UInt8.self), count: size * count)
            return size * count
        }
    }

    static var onHeader: curl_write_callback { { _, size, count, _ in size * count } }

    static var onSocket: curl_opensocket_callback {
        { _, _, address in
            guard let address else { return CURL_SOCKET_BAD }
            return socket(address.pointee.family, address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue), address.pointee.protocol)
        }
    }

    static var onRequest: curl_prereq_callback { { _, _, _, _, _ in Int32(CURL_PREREQFUNC_OK) } }
}
