import Foundation

/// `<length in bytes>:<bytes>,` for each text (https://cr.yp.to/proto/netstrings.txt): what is hashed and signed. Unlike JSON it can be written in
/// one way only, in any language.
enum NetString {
    static func bytes(_ texts: [String]) -> Data {
        texts.reduce(into: Data()) { data, text in
            data.append(contentsOf: "\(text.utf8.count):".utf8)
            data.append(contentsOf: text.utf8)
            data.append(UInt8(ascii: ","))
        }
    }
}
