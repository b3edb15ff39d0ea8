import Mustache

/// What a page shows, as templates ask for it: by names of properties. The library by itself reflects the whole value anew for each name that it looks up,
/// and each value around it that does not have the name; that took most of the time of a page. Here it is done once for each value, when first asked.
final class PageValue: MustacheParent, CustomStringConvertible {
    private let value: Any
    private lazy var properties = Self.properties(of: value)

    init(_ value: Any) { self.value = value }

    func child(named name: String) -> Any? { properties[name] }

    /// As the library writes what it has no other way to write.
    var description: String { String(describing: value) }

    /// Those that are there.
    private static func properties(of value: Any) -> [String: Any] {
        var properties: [String: Any] = [:]
        for (name, value) in Mirror(reflecting: value).children {
            if let name, let known = known(value) { properties[name] = known }
        }
        return properties
    }

    /// - Returns: `nil` for an absent value.
    private static func known(_ value: Any) -> Any? {
        if let text = value as? String { return text }
        if let isSo = value as? Bool { return isSo }
        let mirror = Mirror(reflecting: value)
        switch mirror.displayStyle {
        case .optional: return mirror.children.first.flatMap { known($0.value) }
        case .collection: return mirror.children.map { known($0.value) ?? $0.value }
        case .struct: return PageValue(value)
        default: return value
        }
    }
}
