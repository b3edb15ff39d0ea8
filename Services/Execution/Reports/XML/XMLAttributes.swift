import CReports

/// The attributes of the element that libxml2 is calling back for: five pointers each (name, prefix, URI, start and end of the value), good
/// during the call only. The values are not decoded Swift strings: most are compared or parsed as bytes.
struct XMLAttributes {
    let pointers: UnsafeMutablePointer<UnsafePointer<xmlChar>?>?
    let count: Int

    func name(_ index: Int) -> UnsafePointer<xmlChar>? { pointers?[index * 5] }

    func value(_ index: Int) -> UnsafeBufferPointer<UInt8> {
        guard let start = pointers?[index * 5 + 3], let end = pointers?[index * 5 + 4] else { return .init(start: nil, count: 0) }
        return UnsafeBufferPointer(start: start, count: end - start)
    }

    /// Bytes of the longest value.
    var longest: Int {
        var longest = 0
        for index in 0..<count { longest = max(longest, value(index).count) }
        return longest
    }

    /// libxml2 hands `&amp;` on as `&#38;` unless it is told to substitute entities, which we never do; an ampersand cannot look otherwise.
    static func decode(_ value: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        guard value.contains(UInt8(ascii: "&")) else { return nil }
        let escaped = Array("&#38;".utf8)
        var bytes: [UInt8] = []
        var index = 0
        while index < value.count {
            bytes.append(value[index])
            index += value[index...].starts(with: escaped) ? escaped.count : 1
        }
        return bytes
    }
}
