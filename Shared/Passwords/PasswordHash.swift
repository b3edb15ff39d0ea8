import Foundation

/// What is stored of a password: a PHC string (https://github.com/P-H-C/phc-string-format) of Argon2id.
///
/// `$argon2id$v=19$m=19456,t=2,p=1,keyid=MQ$<salt>$<tag>`: `keyid` is the base64 of the id of the pepper that went in; absent where none did.
package struct PasswordHash: Hashable, Sendable {
    package let cost: Argon2Cost
    package let pepper: String?
    package let salt: Data
    package let tag: Data

    package init(cost: Argon2Cost, pepper: String?, salt: Data, tag: Data) {
        self.cost = cost
        self.pepper = pepper
        self.salt = salt
        self.tag = tag
    }

    /// `nil` for anything but what `description` gives: the string comes from our own table, so there is nothing to be lenient about. Costs beyond
    /// `Argon2Cost.highest` are refused, so that no row can take a gigabyte.
    package init?(_ text: String) {
        let parts = text.split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0].isEmpty, parts[1] == "argon2id", parts[2] == "v=19" else { return nil }
        var values: [Substring: Substring] = [:]
        for pair in parts[3].split(separator: ",", omittingEmptySubsequences: false) {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2, values.updateValue(sides[1], forKey: sides[0]) == nil else { return nil }
        }
        guard
            let memory = values["m"].flatMap({ UInt32($0) }), let passes = values["t"].flatMap({ UInt32($0) }),
            let lanes = values["p"].flatMap({ UInt32($0) }), let salt = Self.data(parts[4]), let tag = Self.data(parts[5]),
            (8...64).contains(salt.count), (16...64).contains(tag.count)
        else { return nil }
        let cost = Argon2Cost(memory: memory, passes: passes, lanes: lanes)
        guard cost.isAffordable else { return nil }
        self.cost = cost
        if let id = values["keyid"] {
            guard let bytes = Self.data(id), let name = String(data: bytes, encoding: .utf8) else { return nil }
            pepper = name
        } else {
            pepper = nil
        }
        self.salt = salt
        self.tag = tag
        guard description == text else { return nil }
    }

    /// Base64 without padding, as the format asks for.
    private static func text(_ data: Data) -> String { String(data.base64EncodedString().prefix { $0 != "=" }) }

    private static func data(_ text: Substring) -> Data? {
        Data(base64Encoded: text + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4))
    }
}

extension PasswordHash: CustomStringConvertible {
    package var description: String {
        let key = pepper.map { ",keyid=\(Self.text(Data($0.utf8)))" } ?? ""
        return "$argon2id$v=19$m=\(cost.memory),t=\(cost.passes),p=\(cost.lanes)\(key)$\(Self.text(salt))$\(Self.text(tag))"
    }
}
