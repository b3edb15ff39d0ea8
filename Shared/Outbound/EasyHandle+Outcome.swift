import COutbound
import Foundation

/// libcurl's result codes in our words.
extension EasyHandle {
    func outcome(_ code: CURLcode, of transfer: Transfer) -> Result<Exchange, OutboundError> {
        switch transfer.stop {
        case .failed(let error): return .failure(error)
        case .cut: return .success(exchange(transfer, isCut: true))
        case nil: return code == CURLE_OK ? .success(exchange(transfer, isCut: false)) : .failure(error(code, transfer))
        }
    }

    private func exchange(_ transfer: Transfer, isCut: Bool) -> Exchange {
        Exchange(
            status: transfer.status, headers: transfer.headers, body: transfer.body, isCut: isCut,
            connected: outbound_offset(pointer, CURLINFO_CONNECT_TIME_T), secured: outbound_offset(pointer, CURLINFO_APPCONNECT_TIME_T),
            firstByte: outbound_offset(pointer, CURLINFO_STARTTRANSFER_TIME_T), ended: outbound_offset(pointer, CURLINFO_TOTAL_TIME_T))
    }

    private func error(_ code: CURLcode, _ transfer: Transfer) -> OutboundError {
        let words = explanation.isEmpty ? String(cString: curl_easy_strerror(code)) : explanation
        switch code {
        case CURLE_OPERATION_TIMEDOUT: return .timeout(step(transfer, words))
        case CURLE_COULDNT_CONNECT: return .connect(words)
        case CURLE_URL_MALFORMAT: return .invalidRequest("The URL cannot be used.")
        case CURLE_COULDNT_RESOLVE_HOST: return .dns(words)
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CRL_BADFILE, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_PINNEDPUBKEYNOTMATCH,
            CURLE_SSL_CLIENTCERT, CURLE_USE_SSL_FAILED, CURLE_SSL_ENGINE_INITFAILED:
            return .tls(words)
        // libcurl has no code of its own for bytes that are no chunks.
        case CURLE_RECV_ERROR where words.contains("chunked-encoding"): return .protocolViolation(words)
        case CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_SEND_ERROR, CURLE_RECV_ERROR: return .connectionLost(words)
        case CURLE_FILESIZE_EXCEEDED: return .responseTooLarge(.body)
        // A single line of more than 100 KiB: libcurl gives up before it shows the line to anybody. From 8.6 on it says so with a code
        // of its own, CURLE_TOO_LARGE, which older headers do not have.
        case CURLE_OUT_OF_MEMORY, CURLcode(rawValue: 100): return .responseTooLarge(.headers)
        default: return .protocolViolation(words)
        }
    }

    private func step(_ transfer: Transfer, _ words: String) -> OutboundError.Step {
        if words.hasPrefix("Operation too slow") { return .idle }
        if outbound_offset(pointer, CURLINFO_PRETRANSFER_TIME_T) > 0 { return transfer.status == 0 ? .firstByte : .body }
        // The mark of the connect only comes after the handshake, the number of the local port with the connection.
        return outbound_long(pointer, CURLINFO_LOCAL_PORT) > 0 ? .tls : .connect
    }
}
