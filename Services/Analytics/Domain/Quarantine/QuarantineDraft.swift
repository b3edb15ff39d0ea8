import Foundation
import Primitives

extension Quarantine {
    /// What a new one is to say, checked.
    struct Draft: Sendable, Equatable {
        let owner: String
        let ticket: String
        let reason: String
        /// `nil` for the usual time.
        let expiresAt: Date?

        /// - Throws: `request.invalid` naming the field.
        init(owner: String, ticket: String, reason: String, expiresAt: Date?, at now: Date, _ limits: QuarantineLimits) throws(Fault) {
            try Texts.check(owner: owner, ticket: ticket, reason: reason)
            if let expiresAt { try limits.check(expiresAt, at: now) }
            self.owner = owner
            self.ticket = ticket
            self.reason = reason
            self.expiresAt = expiresAt
        }
    }

    /// What is to be different; what is `nil` stays.
    struct Change: Sendable, Equatable {
        let owner: String?
        let ticket: String?
        let reason: String?
        let expiresAt: Date?

        /// - Throws: `request.invalid` naming the field.
        init(
            owner: String? = nil, ticket: String? = nil, reason: String? = nil, expiresAt: Date? = nil, at now: Date, _ limits: QuarantineLimits
        ) throws(Fault) {
            try Texts.check(owner: owner, ticket: ticket, reason: reason)
            if let expiresAt { try limits.check(expiresAt, at: now) }
            self.owner = owner
            self.ticket = ticket
            self.reason = reason
            self.expiresAt = expiresAt
        }
    }

    /// What may stand in its texts.
    enum Texts {
        static let ownerLimit = 200
        static let ticketLimit = 500
        static let reasonLimit = 1000

        fileprivate static func check(owner: String?, ticket: String?, reason: String?) throws(Fault) {
            if let owner { try check(owner, "/owner", 1...ownerLimit, isLine: true) }
            if let ticket { try check(ticket, "/ticket", 0...ticketLimit, isLine: true) }
            if let reason { try check(reason, "/reason", 1...reasonLimit, isLine: false) }
        }

        private static func check(_ text: String, _ pointer: String, _ length: ClosedRange<Int>, isLine: Bool) throws(Fault) {
            guard length.contains(text.unicodeScalars.count), length.lowerBound == 0 || !text.allSatisfy(\.isWhitespace) else {
                throw .invalidField(pointer, "length", "It has \(length.lowerBound) to \(length.upperBound) characters, and not only spaces.")
            }
            guard !text.unicodeScalars.contains(where: { isLine ? $0.value < 0x20 || $0.value == 0x7F : $0.value == 0 }) else {
                throw .invalidField(pointer, "invalid_character", "It must not hold control characters.")
            }
        }
    }
}
