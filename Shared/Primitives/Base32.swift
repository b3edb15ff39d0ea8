import Foundation

/// Crockford's base32 for 128-bit values: 26 characters, most significant first, no padding. Reading accepts either case.
enum Base32 {
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    /// Character code → value, 255 where the character is not in the alphabet.
    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 255, count: 256)
        for (value, character) in alphabet.enumerated() {
            table[Int(character)] = UInt8(value)
            table[Int(Character(UnicodeScalar(character)).uppercased().utf8.first!)] = UInt8(value)
        }
        return table
    }()

    static func text(_ uuid: UUID) -> String {
        var value = withUnsafeBytes(of: uuid.uuid) { UInt128(bigEndian: $0.loadUnaligned(as: UInt128.self)) }
        return String(unsafeUninitializedCapacity: 26) { buffer in
            for index in stride(from: 25, through: 0, by: -1) {
                buffer[index] = alphabet[Int(value & 31)]
                value >>= 5
            }
            return 26
        }
    }

    /// `nil` unless `text` is 26 characters of the alphabet with a first character of at most 7 (128 bits).
    static func uuid(_ text: Substring) -> UUID? {
        let characters = text.utf8
        guard characters.count == 26 else { return nil }
        var value: UInt128 = 0
        for (index, character) in characters.enumerated() {
            let digit = values[Int(character)]
            guard digit != 255, index > 0 || digit <= 7 else { return nil }
            value = value << 5 | UInt128(digit)
        }
        var big = value.bigEndian
        return withUnsafeBytes(of: &big) { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
    }
}
