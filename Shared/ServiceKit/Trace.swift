import Foundation

/// W3C Trace Context, level 1 (https://www.w3.org/TR/trace-context/): which trace this work belongs to, and which span of it this is.
///
/// A plain value. Nothing exports spans yet; the ids tie log lines of different services together and travel as `traceparent`.
package struct Trace: Equatable, Sendable {
    package static let metadataKey = "traceparent"

    let high: UInt64
    let low: UInt64
    let span: UInt64
    let flags: UInt8

    /// A new trace, not sampled.
    package static func start() -> Trace {
        // An all-zero id is invalid in the specification; 1 in 2^64 is worth one `|`.
        Trace(high: .random(in: 1 ... .max), low: .random(in: .min ... .max), span: .random(in: 1 ... .max), flags: 0)
    }

    /// The same trace, one span further.
    package func child() -> Trace { Trace(high: high, low: low, span: .random(in: 1 ... .max), flags: flags) }

    init(high: UInt64, low: UInt64, span: UInt64, flags: UInt8) {
        self.high = high
        self.low = low
        self.span = span
        self.flags = flags
    }

    /// Reads `00-<32 hex>-<16 hex>-<2 hex>`, lower case only. A later version may have more after that; version `ff` and zero ids are invalid.
    package init?(traceparent text: String) {
        let found = text.utf8.withContiguousStorageIfAvailable { Self.parse($0) } ?? Self.parse(ContiguousArray(text.utf8))
        guard let found else { return nil }
        self = found
    }

    private static func parse(_ text: some RandomAccessCollection<UInt8>) -> Trace? {
        let bytes = Array(text.prefix(56))
        let dash = UInt8(ascii: "-")
        guard bytes.count >= 55, bytes[2] == dash, bytes[35] == dash, bytes[52] == dash,
            let version = hex(bytes[0..<2]), version != 0xFF,
            bytes.count == 55 || version != 0 && bytes[55] == dash,
            let high = hex(bytes[3..<19]), let low = hex(bytes[19..<35]), high | low != 0,
            let span = hex(bytes[36..<52]), span != 0, let flags = hex(bytes[53..<55])
        else { return nil }
        return Trace(high: high, low: low, span: span, flags: UInt8(flags))
    }

    private static func hex(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return value
    }

    /// 32 lower-case hex digits, as logs and trace viewers show it.
    package var traceID: String {
        String(unsafeUninitializedCapacity: 32) { buffer in
            Self.write(high, digits: 16, to: buffer, at: 0)
            Self.write(low, digits: 16, to: buffer, at: 16)
            return 32
        }
    }

    package var traceparent: String {
        String(unsafeUninitializedCapacity: 55) { buffer in
            let dash = UInt8(ascii: "-")
            Self.write(0, digits: 2, to: buffer, at: 0)
            buffer[2] = dash
            Self.write(high, digits: 16, to: buffer, at: 3)
            Self.write(low, digits: 16, to: buffer, at: 19)
            buffer[35] = dash
            Self.write(span, digits: 16, to: buffer, at: 36)
            buffer[52] = dash
            Self.write(UInt64(flags), digits: 2, to: buffer, at: 53)
            return 55
        }
    }

    private static func write(_ value: UInt64, digits: Int, to buffer: UnsafeMutableBufferPointer<UInt8>, at start: Int) {
        for index in 0..<digits {
            let digit = UInt8(truncatingIfNeeded: value >> UInt64(4 * (digits - 1 - index)) & 15)
            buffer[start + index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
        }
    }
}
