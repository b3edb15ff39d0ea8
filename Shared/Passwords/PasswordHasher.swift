import Foundation
import Primitives

/// Hashes passwords and checks them, on threads of its own.
package final class PasswordHasher: Sendable {
    /// What a check comes to.
    package enum Verdict: Hashable, Sendable {
        case wrong
        /// `isOutdated`: made with another cost or pepper than today's, so it should be hashed anew.
        case right(isOutdated: Bool)
    }

    private let cost: Argon2Cost
    private let peppers: Peppers
    private let pool: HashingPool
    /// Stands in for the hash that an unknown user does not have. Nothing matches it.
    private let nobody: PasswordHash

    package init(cost: Argon2Cost = .standard, peppers: Peppers = .none, pool: HashingPool = HashingPool()) {
        self.cost = cost
        self.peppers = peppers
        self.pool = pool
        nobody = PasswordHash(
            cost: cost, pepper: peppers.current, salt: Self.random(Argon2.saltLength), tag: Self.random(Argon2.tagLength))
    }

    /// - Returns: the PHC string.
    /// - Throws: `auth.busy` when too many wait already.
    package func hash(_ password: String) async throws(Fault) -> String {
        let (cost, peppers) = (cost, peppers)
        return try await pool.run { () throws(Fault) -> String in
            let salt = Self.random(Argon2.saltLength)
            guard let input = peppers.input(password, pepper: peppers.current) else {
                preconditionFailure("the current pepper is one of the peppers")
            }
            let tag = try Argon2.tag(input, salt: salt, cost: cost)
            return PasswordHash(cost: cost, pepper: peppers.current, salt: salt, tag: tag).description
        }
    }

    /// Takes the same time whether or not there is a hash to compare with: what the clock tells must not be who has an account.
    /// - Parameter stored: `nil` for an unknown user, or one without a password.
    /// - Throws: `auth.busy` when too many wait already.
    package func verify(_ password: String, against stored: String?) async throws(Fault) -> Verdict {
        let hash = stored.flatMap { PasswordHash($0) } ?? nobody
        let (cost, peppers, nobody) = (cost, peppers, nobody)
        return try await pool.run { () throws(Fault) -> Verdict in
            // A pepper that is gone costs the same as one that is there.
            let input = peppers.input(password, pepper: hash.pepper)
            let tag = try Argon2.tag(input ?? [0], salt: hash.salt, cost: hash.cost, length: hash.tag.count)
            guard Self.equal(tag, hash.tag), input != nil, hash != nobody else { return .wrong }
            return .right(isOutdated: hash.cost != cost || hash.pepper != peppers.current)
        }
    }

    private static func equal(_ left: Data, _ right: Data) -> Bool {
        left.count == right.count && zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private static func random(_ count: Int) -> Data { Data((0..<count).map { _ in UInt8.random(in: .min ... .max) }) }
}
