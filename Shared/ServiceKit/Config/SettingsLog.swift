import Configuration
import Synchronization

/// Remembers every setting that was read, so that the settings are judged as a whole once all have been asked for (R60): which values do
/// not parse, which variables nobody reads, and what applies in the end.
///
/// swift-configuration answers an unreadable value with the default; without this, `ASSAY_POOL_SIZE=1O` would go unnoticed.
package final class SettingsLog: AccessReporter {
    /// One setting as it applies.
    package struct Setting: Sendable, Equatable {
        /// The environment variable.
        package let name: String
        /// `***` for secrets, `nil` where it is neither set nor has a default.
        package let value: String?
        package let isDefault: Bool
        /// What is wrong with the value.
        package let problem: String?
    }

    private let settings = Mutex<[String: Setting]>([:])

    package init() {}

    package func report(_ event: AccessEvent) {
        let name = Self.variable(event.metadata.key.components)
        var problem: String?
        var found = false
        var secret = false
        for provider in event.providerResults {
            switch provider.result {
            case .success(let lookup):
                found = found || lookup.value != nil
                secret = secret || lookup.value?.isSecret == true
            case .failure:
                found = true
                problem = "\(name) is not a valid \(Self.word(event.metadata.valueType))"
            }
        }
        if event.conversionError != nil { problem = "\(name) has a value that is not allowed" }
        var value: String?
        if case .success(let result?) = event.result { value = result.isSecret || secret ? "***" : Self.text(result.content) }
        let setting = Setting(name: name, value: value, isDefault: !found, problem: problem)
        settings.withLock { settings in
            // A variable read twice keeps the reading that saw its value.
            if let known = settings[name], !known.isDefault, setting.isDefault { return }
            settings[name] = setting
        }
    }

    /// All settings read so far, by name.
    package var all: [Setting] { settings.withLock { $0.values.sorted { $0.name < $1.name } } }

    /// What is wrong with the settings read so far, and which variables of this service nobody has read.
    ///
    /// The variables of other services are none of our business: all of them may share one environment. A service's name never is the
    /// beginning of another's.
    package func problems(environment: [String: String], service: String) -> [String] {
        let read = settings.withLock { $0 }
        let prefix = "ASSAY_\(service.uppercased())_"
        let unknown = environment.keys.filter { $0.hasPrefix(prefix) && read[$0] == nil }.sorted()
        return read.values.compactMap(\.problem).sorted()
            + unknown.map { name in
                let hint = Self.nearest(name, in: read.keys).map { "; did you mean \($0)?" } ?? ""
                return "\(name) is not a setting of \(service)\(hint)"
            }
    }

    /// `["assay", "execution", "poolSize"]` → `ASSAY_EXECUTION_POOL_SIZE`, as the environment provider of swift-configuration spells it.
    static func variable(_ components: [String]) -> String {
        components.map { component in
            var text = ""
            var previousIsLower = false
            for character in component {
                if character.isUppercase && previousIsLower { text += "_" }
                previousIsLower = character.isLowercase
                text += character.isLetter || character.isNumber ? character.uppercased() : "_"
            }
            return text
        }.joined(separator: "_")
    }

    private static func nearest(_ name: String, in known: some Collection<String>) -> String? {
        let scored = known.map { ($0, distance(Array(name.utf8), Array($0.utf8))) }
        return scored.filter { $0.1 <= 3 }.min { $0.1 < $1.1 }?.0
    }

    /// Levenshtein's, one row at a time.
    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var row = Array(0...b.count)
        for (i, x) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, y) in b.enumerated() {
                let above = row[j + 1]
                row[j + 1] = min(above + 1, row[j] + 1, diagonal + (x == y ? 0 : 1))
                diagonal = above
            }
        }
        return row[b.count]
    }

    private static func word(_ type: ConfigType) -> String {
        switch type {
        case .int: "whole number"
        case .double: "number"
        case .bool: "boolean (true or false)"
        case .bytes: "base64 value"
        default: "value"
        }
    }

    private static func text(_ content: ConfigContent) -> String {
        switch content {
        case .string(let value): value
        case .int(let value): String(value)
        case .double(let value): String(value)
        case .bool(let value): String(value)
        case .stringArray(let values): values.joined(separator: ",")
        case .intArray(let values): values.map(String.init).joined(separator: ",")
        default: "(\(content))"
        }
    }
}
