import CArgon2
import Foundation
import Primitives

/// What one hash costs (RFC 9106).
package struct Argon2Cost: Hashable, Sendable {
    /// KiB.
    package let memory: UInt32
    package let passes: UInt32
    package let lanes: UInt32

    package init(memory: UInt32, passes: UInt32, lanes: UInt32) {
        self.memory = memory
        self.passes = passes
        self.lanes = lanes
    }

    /// 19 MiB, two passes, one lane: what OWASP's password storage cheat sheet asks for at least.
    package static let standard = Argon2Cost(memory: 19 * 1024, passes: 2, lanes: 1)
    static let highest = Argon2Cost(memory: 256 * 1024, passes: 16, lanes: 8)

    var isAffordable: Bool {
        (8...Self.highest.memory).contains(memory) && (1...Self.highest.passes).contains(passes) && (1...Self.highest.lanes).contains(lanes)
            && memory >= 8 * lanes
    }
}

/// Argon2id of libargon2.
enum Argon2 {
    static let saltLength = 16
    static let tagLength = 32

    /// - Throws: `passwords.hashing` when libargon2 refuses, which means that there is no memory.
    static func tag(_ secret: [UInt8], salt: Data, cost: Argon2Cost, length: Int = tagLength) throws(Fault) -> Data {
        var tag = [UInt8](repeating: 0, count: length)
        let salt = [UInt8](salt)
        let code = argon2id_hash_raw(cost.passes, cost.memory, cost.lanes, secret, secret.count, salt, salt.count, &tag, tag.count)
        guard code == ARGON2_OK.rawValue else {
            throw .unavailable("passwords.hashing", "Passwords cannot be checked at the moment.", retryAfter: .seconds(1))
        }
        return Data(tag)
    }
}
