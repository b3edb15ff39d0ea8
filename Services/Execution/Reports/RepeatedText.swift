import Foundation

/// Makes strings of values that mostly repeat, such as class names: the same bytes again give the same string, without an allocation.
struct RepeatedText {
    private var bytes: [UInt8] = []
    private var text = ""

    mutating func string(_ value: UnsafeBufferPointer<UInt8>, make: (UnsafeBufferPointer<UInt8>) -> String) -> String {
        let same =
            value.count == bytes.count
            && bytes.withUnsafeBytes { known in
                guard let left = known.baseAddress, let right = value.baseAddress else { return true }
                return memcmp(left, right, value.count) == 0
            }
        if same { return text }
        text = make(value)
        bytes.removeAll(keepingCapacity: true)
        bytes.append(contentsOf: value)
        return text
    }
}
