/// Whether bytes that arrive in pieces are UTF-8 (RFC 3629, section 4).
enum UTF8Check {
    /// - Returns: how many bytes are whole characters, and whether what follows them can be no beginning of another.
    static func wholeCharacters(_ bytes: [UInt8]) -> (count: Int, isBad: Bool) {
        bytes.withUnsafeBufferPointer { bytes in
            var index = 0
            while index < bytes.count {
                // Nearly everything is ASCII: eight bytes at a time.
                while index + 8 <= bytes.count,
                    UnsafeRawPointer(bytes.baseAddress!).loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
                {
                    index += 8
                }
                guard index < bytes.count else { break }
                let lead = bytes[index]
                if lead < 0x80 {
                    index += 1
                    continue
                }
                guard let (length, second) = sequence(lead) else { return (index, true) }
                let available = min(length, bytes.count - index)
                for offset in 1..<max(1, available) {
                    let allowed = offset == 1 ? second : 0x80...0xBF
                    guard allowed.contains(bytes[index + offset]) else { return (index, true) }
                }
                guard available == length else { return (index, false) }
                index += length
            }
            return (index, false)
        }
    }

    /// Bytes of the sequence that `lead` begins, and what its second may be; `nil` for what begins none.
    private static func sequence(_ lead: UInt8) -> (length: Int, second: ClosedRange<UInt8>)? {
        switch lead {
        case 0xC2...0xDF: (2, 0x80...0xBF)
        case 0xE0: (3, 0xA0...0xBF)
        case 0xED: (3, 0x80...0x9F)
        case 0xE1...0xEF: (3, 0x80...0xBF)
        case 0xF0: (4, 0x90...0xBF)
        case 0xF1...0xF3: (4, 0x80...0xBF)
        case 0xF4: (4, 0x80...0x8F)
        default: nil
        }
    }
}
