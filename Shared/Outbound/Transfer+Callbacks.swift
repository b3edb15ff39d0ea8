import COutbound
import Foundation
import Primitives

/// What libcurl calls, on the engine's thread. The context is the transfer, which the engine keeps alive for as long as libcurl has it.
extension Transfer {
    static func of(_ context: UnsafeMutableRawPointer?) -> Transfer {
        // The engine sets the context of every handle that it starts, so there always is one.
        Unmanaged<Transfer>.fromOpaque(context!).takeUnretainedValue()
    }

    static var onBody: curl_write_callback {
        { bytes, size, count, context in
            let length = size * count
            return Transfer.of(context).receive(body: UnsafeRawBufferPointer(start: bytes, count: length)) ? length : 0
        }
    }

    static var onHeader: curl_write_callback {
        { bytes, size, count, context in
            let length = size * count
            guard let bytes else { return length }
            let accepted = bytes.withMemoryRebound(to: UInt8.self, capacity: length) {
                Transfer.of(context).receive(header: UnsafeBufferPointer(start: $0, count: length))
            }
            // Anything but the length stops; a length of 0 cannot be told from success otherwise.
            return accepted ? length : length &+ 1
        }
    }

    /// Sees the very address that will be connected to. Not called when a connection is reused, which `onRequest` makes up for.
    static var onSocket: curl_opensocket_callback {
        { context, _, address in
            guard let address, let offset = MemoryLayout<curl_sockaddr>.offset(of: \.addr) else { return CURL_SOCKET_BAD }
            // By hand, since the declared field is shorter than the IPv6 address that it holds.
            let peer = IPAddress((UnsafeRawPointer(address) + offset).assumingMemoryBound(to: sockaddr.self))
            guard Transfer.of(context).accepts(peer: peer) else { return CURL_SOCKET_BAD }
            return socket(address.pointee.family, address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue), address.pointee.protocol)
        }
    }

    /// Called when a connection, new or reused, is ready and nothing of the request has been sent: the peer as the kernel names it.
    static var onRequest: curl_prereq_callback {
        { context, peer, _, _, _ in
            let address = peer.flatMap { IPAddress(String(cString: $0)) }
            return Transfer.of(context).accepts(peer: address) ? Int32(CURL_PREREQFUNC_OK) : Int32(CURL_PREREQFUNC_ABORT)
        }
    }
}
