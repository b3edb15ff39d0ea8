import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL

/// One server and one key: every request of the client goes through here. Redirects are not followed, because the key would go with them.
struct APIConnection: Sendable {
    /// Answers in JSON are at most a page of a list.
    private static let maxAnswer = 64 << 20
    private static let patience = TimeAmount.seconds(30)

    let url: String
    private let key: String
    private let client: HTTPClient

    /// The key is one of a build, as its text says: it sends, and may know how that ended. Asking for more is refused, and told to those who guard
    /// the organization.
    var isOfBuild: Bool { ["asy_ci_", "asy_oidc_"].contains { key.hasPrefix($0) } }

    /// Runs `body` with a connection and closes it whatever happens.
    /// - Throws: `signedOut` without a key, `local` for an authority that cannot be read.
    static func with<R: Sendable>(_ config: ClientConfig, _ body: (APIConnection) async throws -> R) async throws -> R {
        guard let key = config.apiKey else { throw ClientFailure.signedOut }
        var settings = HTTPClient.Configuration(redirectConfiguration: .disallow, decompression: .disabled)
        settings.timeout.connect = .seconds(5)
        // Event streams say something every 15 seconds, long polls answer within 60.
        settings.timeout.read = .seconds(75)
        settings.httpVersion = .http1Only
        if let file = config.caFile {
            do {
                var tls = TLSConfiguration.makeClientConfiguration()
                tls.additionalTrustRoots = [.certificates(try NIOSSLCertificate.fromPEMFile(file))]
                settings.tlsConfiguration = tls
            } catch {
                throw ClientFailure.local("\(file) holds no certificates in PEM")
            }
        }
        let url = try ClientConfig.checkedURL(config.url ?? ClientConfig.defaultURL)
        if let proxy = ProxyChoice.proxy(for: url, environment: Surroundings.current.environment) {
            let authorization = proxy.user.map { HTTPClient.Authorization.basic(username: $0, password: proxy.password ?? "") }
            settings.proxy = .server(host: proxy.host, port: proxy.port, authorization: authorization)
        }
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: settings)
        let connection = APIConnection(
            url: url, key: key.trimmingCharacters(in: .whitespacesAndNewlines),
            client: client)
        do {
            let result = try await body(connection)
            try? await client.shutdown()
            return result
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    /// An answer in full.
    struct Answer: Sendable {
        let status: Int
        let headers: HTTPHeaders
        let body: Data
    }

    // MARK: - Requests

    /// - Throws: `refused` for every status of 400 and more, `unreachable`.
    func get(_ path: String, query: [(String, String)] = [], patience: TimeAmount = Self.patience) async throws -> Data {
        try await send(request(.GET, path, query), patience: patience).checked()
    }

    func get<Value: Decodable>(_ type: Value.Type, _ path: String, query: [(String, String)] = [], patience: TimeAmount = Self.patience) async throws
        -> Value
    {
        try Self.decode(type, try await get(path, query: query, patience: patience))
    }

    /// A line of plain text.
    func word(_ path: String, query: [(String, String)], patience: TimeAmount) async throws -> String {
        var request = request(.GET, path, query)
        request.headers.replaceOrAdd(name: "accept", value: "text/plain")
        let answer = try await send(request, patience: patience).checked()
        return String(decoding: answer, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    func post(_ path: String, json: Data?, headers: [(String, String)] = []) async throws -> Data {
        try await send(.POST, path, json: json, headers: headers, patience: Self.patience)
    }

    func put(_ path: String, json: Data?, headers: [(String, String)] = [], patience: TimeAmount = Self.patience) async throws -> Data {
        try await send(.PUT, path, json: json, headers: headers, patience: patience)
    }

    private func send(
        _ method: HTTPMethod, _ path: String, json: Data?, headers: [(String, String)], patience: TimeAmount
    ) async throws -> Data {
        var request = request(method, path, [])
        for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
        if let json {
            request.headers.replaceOrAdd(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: json))
        }
        return try await send(request, patience: patience).checked()
    }

    /// Sends a file piece by piece. The answer may be a refusal.
    /// - Throws: `unreachable`.
    func send(
        _ method: HTTPMethod = .POST, _ path: String, query: [(String, String)] = [], file: FilePieces, headers: [(String, String)],
        patience: TimeAmount
    ) async throws -> Answer {
        var request = request(method, path, query)
        for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
        request.body = .stream(file, length: .known(file.count))
        return try await send(request, patience: patience)
    }

    /// Opens an event stream; its body ends when the server or the network says so.
    /// - Throws: `refused`, `unreachable`.
    func events(_ path: String, lastID: String?) async throws -> HTTPClientResponse.Body {
        var request = request(.GET, path, [])
        request.headers.replaceOrAdd(name: "accept", value: "text/event-stream")
        if let lastID { request.headers.replaceOrAdd(name: "last-event-id", value: lastID) }
        let response = try await execute(request, patience: Self.patience)
        guard response.status == .ok, response.headers.first(name: "content-type")?.hasPrefix("text/event-stream") == true else {
            _ = try await collect(response).checked()
            throw ClientFailure.unreachable("\(url) answered with something else than an event stream")
        }
        return response.body
    }

    // MARK: - On the wire

    private func request(_ method: HTTPMethod, _ path: String, _ query: [(String, String)]) -> HTTPClientRequest {
        var text = "\(url)\(path)"
        for (index, item) in query.enumerated() { text += "\(index == 0 ? "?" : "&")\(item.0.percentEncoded)=\(item.1.percentEncoded)" }
        var request = HTTPClientRequest(url: text)
        request.method = method
        request.headers = ["authorization": "Bearer \(key)", "accept": "application/json", "user-agent": "assay-cli"]
        return request
    }

    private func send(_ request: HTTPClientRequest, patience: TimeAmount) async throws -> Answer {
        try await collect(try await execute(request, patience: patience))
    }

    private func execute(_ request: HTTPClientRequest, patience: TimeAmount) async throws -> HTTPClientResponse {
        do {
            return try await client.execute(request, timeout: patience)
        } catch let error as CancellationError {
            throw error
        } catch {
            throw unreachable(error)
        }
    }

    private func collect(_ response: HTTPClientResponse) async throws -> Answer {
        do {
            let body = try await response.body.collect(upTo: Self.maxAnswer)
            return Answer(status: Int(response.status.code), headers: response.headers, body: Data(body.readableBytesView))
        } catch let error as CancellationError {
            throw error
        } catch {
            throw unreachable(error)
        }
    }

    func unreachable(_ error: any Error) -> ClientFailure {
        if let failure = error as? ClientFailure { return failure }
        let reason = String(describing: error)
        let hint = reason.contains("CERTIFICATE_VERIFY_FAILED") ? "; for an authority of your own set ASSAY_CA_FILE" : ""
        return .unreachable("\(url) cannot be reached: \(Self.words(reason))\(hint)")
    }

    /// The errors of the network in words, as far as people meet them every day.
    private static func words(_ reason: String) -> String {
        let known = [
            ("Connection refused", "connection refused"), ("ECONNREFUSED", "connection refused"), ("connectTimeout", "no answer within 5 s"),
            ("deadlineExceeded", "no answer in time"), ("readTimeout", "it fell silent"), ("remoteConnectionClosed", "it closed the connection"),
            ("unknown host", "no such host"), ("CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted"),
        ]
        return known.first { reason.localizedCaseInsensitiveContains($0.0) }?.1 ?? String(reason.prefix(300))
    }

    static func decode<Value: Decodable>(_ type: Value.Type, _ data: Data) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do {
            return try decoder.decode(type, from: data)
        } catch {
            throw ClientFailure.unreachable("the answer is not one of an Assay server that this `assay` knows")
        }
    }
}

extension APIConnection.Answer {
    /// The body of a success.
    /// - Throws: `refused`.
    func checked() throws -> Data {
        guard status >= 300 else { return body }
        throw ClientFailure.refused(APIProblem(status: status, body: body))
    }

    /// Whole seconds, as the server sends them.
    var retryAfter: Duration? { headers.first(name: "retry-after").flatMap { Int($0) }.map { .seconds($0) } }
}

extension String {
    /// Safe in a path segment, a query's name and its value (RFC 3986: all but unreserved characters).
    var percentEncoded: String {
        utf8.reduce(into: "") { text, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let hex = String(byte, radix: 16, uppercase: true)
                text += hex.count == 1 ? "%0\(hex)" : "%\(hex)"
            }
        }
    }
}
