/// How a series counts and prints.
enum MetricKind: Equatable {
    case counter
    case gauge
    /// Recorded in nanoseconds, printed in seconds.
    case duration
    /// Any other distribution: bytes, rows, tries.
    case size

    /// The word in `# TYPE`.
    var type: String {
        switch self {
        case .counter: "counter"
        case .gauge: "gauge"
        case .duration, .size: "histogram"
        }
    }

    var word: String {
        switch self {
        case .counter: "counter"
        case .gauge: "gauge"
        case .duration: "duration"
        case .size: "size"
        }
    }

    /// Upper bounds of the buckets; one more for everything above is implied.
    var buckets: [Double] {
        switch self {
        case .duration: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
        case .size: [1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216]
        case .counter, .gauge: []
        }
    }

    /// The published name of a label given to swift-metrics.
    func name(_ label: String) -> String {
        var name = Self.sanitized(label)
        if !name.hasPrefix("assay_") { name = "assay_" + name }
        switch self {
        case .counter: return name.hasSuffix("_total") ? name : name + "_total"
        case .duration: return name.hasSuffix("_seconds") ? name : name + "_seconds"
        case .gauge, .size: return name
        }
    }

    /// `[a-zA-Z0-9_]`, everything else an underscore.
    static func sanitized(_ name: String) -> String {
        var text = String(
            name.unicodeScalars.map { scalar -> Character in
                switch scalar {
                case "a"..."z", "A"..."Z", "0"..."9", "_": Character(scalar)
                default: "_"
                }
            })
        if text.first?.isNumber ?? true { text = "_" + text }
        return text
    }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
        return String(value)
    }
}
