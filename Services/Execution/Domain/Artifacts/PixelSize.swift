/// How large a picture or a recording says it is, read from its header without decoding anything: a file of some hundred bytes can claim 100,000 by 100,000
/// pixels, and whoever displays it would need the memory for them (T88).
struct PixelSize: Equatable, Sendable {
    /// A screenshot of an 8K display has 33 million.
    static let mostPixels: Int64 = 40_000_000

    let width: Int32
    let height: Int32

    init(width: Int32, height: Int32) {
        self.width = width
        self.height = height
    }

    /// What is more than a column of the database holds is too large in any case.
    init(_ width: UInt64, _ height: UInt64) {
        self.init(width: Int32(clamping: width), height: Int32(clamping: height))
    }

    init(_ width: UInt32, _ height: UInt32) { self.init(UInt64(width), UInt64(height)) }

    var pixels: Int64 { Int64(width) * Int64(height) }
    var isEmpty: Bool { width <= 0 || height <= 0 }
    var isTooLarge: Bool { pixels > Self.mostPixels }
}
