/// Numbers as pages show them.
enum NumberText {
    /// `1,234,567`
    static func grouped(_ number: Int64) -> String {
        var digits = String(number.magnitude)
        var index = digits.endIndex
        while digits.formIndex(&index, offsetBy: -3, limitedBy: digits.startIndex), index != digits.startIndex {
            digits.insert(",", at: index)
        }
        return (number < 0 ? "−" : "") + digits
    }

    /// `97.5 %`; never rounded up to 100 % while something failed, nor down to 0 % while something passed.
    static func percent(_ share: Double) -> String {
        var tenths = (share * 1000).rounded()
        if share < 1, tenths >= 1000 { tenths = 999 }
        if share > 0, tenths < 1 { tenths = 1 }
        let whole = Int(tenths) / 10
        let rest = Int(tenths) % 10
        return rest == 0 ? "\(whole) %" : "\(whole).\(rest) %"
    }

    /// `1 test`, `2 tests`.
    static func counted(_ number: Int64, _ one: String, _ many: String? = nil) -> String {
        "\(grouped(number)) \(number == 1 ? one : many ?? one + "s")"
    }

    /// `12.3 KiB`
    static func bytes(_ count: Int64) -> String {
        let units = ["KiB", "MiB", "GiB", "TiB"]
        guard count >= 1024 else { return counted(count, "byte") }
        var size = Double(count) / 1024
        var unit = 0
        while size >= 1024, unit < units.count - 1 {
            size /= 1024
            unit += 1
        }
        return "\((size * 10).rounded() / 10) \(units[unit])"
    }

    /// For coordinates in drawings: two digits after the point are finer than any screen.
    static func coordinate(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}
