import Contract
import Foundation
import NIOCore
import SwiftProtobuf

/// A message as the public JSON: canonical protobuf JSON with original names, plain 64-bit numbers, and lists that are there when empty.
enum AnswerJSON {
    private static let options: JSONEncodingOptions = {
        var options = JSONEncodingOptions()
        options.preserveProtoFieldNames = true
        options.alwaysPrintInt64sAsNumbers = true
        return options
    }()

    static func bytes(_ message: some SwiftProtobuf.Message, lists: [ResponseList]) throws -> [UInt8] {
        let json: [UInt8] = try message.jsonUTF8Bytes(options: options)
        guard !lists.isEmpty else { return json }
        let empty = lists.filter { $0.isEmpty(message) }
        guard !empty.isEmpty else { return json }
        let members = empty.map { "\"\($0.name)\":[]" }.joined(separator: ",")
        return Array("{\(members)".utf8) + (json.count > 2 ? [UInt8(ascii: ",")] : []) + json.dropFirst()
    }

    /// Replaces the plain cursor in `page.next_cursor` by what `sign` makes of it.
    ///
    /// The page is the last member, and its beginning holds unescaped quotes, which no text inside a value can: the last place where these
    /// bytes stand is the page itself.
    /// - Returns: the signed cursor, `nil` on the last page.
    static func signCursor(in json: inout [UInt8], _ sign: (String) -> String) -> String? {
        guard let start = lastIndex(of: pageStart, in: json) else { return nil }
        let first = start + pageStart.count
        var end = first
        while end < json.count, json[end] != UInt8(ascii: "\"") { end += json[end] == UInt8(ascii: "\\") ? 2 : 1 }
        guard
            end < json.count,
            let plain = try? Google_Protobuf_Value(jsonString: "\"" + String(decoding: json[first..<end], as: UTF8.self) + "\"").stringValue
        else { return nil }
        let signed = sign(plain)
        json.replaceSubrange(first..<end, with: Array(signed.utf8))
        return signed
    }

    private static let pageStart = Array("\"page\":{\"next_cursor\":\"".utf8)

    private static func lastIndex(of pattern: [UInt8], in bytes: [UInt8]) -> Int? {
        guard bytes.count >= pattern.count else { return nil }
        var index = bytes.count - pattern.count
        while index >= 0 {
            if bytes[index] == pattern[0], bytes[index..<index + pattern.count].elementsEqual(pattern) { return index }
            index -= 1
        }
        return nil
    }

    /// The value of `"id"` when it is the first member, as it is in every resource.
    static func leadingID(in json: [UInt8]) -> String? {
        let start = Array("{\"id\":\"".utf8)
        guard json.starts(with: start) else { return nil }
        return String(decoding: json[start.count...].prefix { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
    }
}
