import Configuration
import Foundation
import Primitives

extension ConfigReader {
    /// A secret from the file that `<key>.file` names, else from `<key>` itself; `nil` when neither is set. White space at the end is cut.
    ///
    /// Files keep secrets out of `/proc`, of process lists and of what a crash prints (T127); variables are for development.
    package func secret(forKey key: String) throws(ConfigFault) -> Secret<String>? {
        let path = string(forKey: ConfigKey(key + ".file"))
        let value = string(forKey: ConfigKey(key), isSecret: true)
        guard let path else { return value.map(Secret.init) }
        let variable = SettingsLog.variable((["assay"] + key.split(separator: ".").map(String.init)))
        guard value == nil else { throw ConfigFault("\(variable) and \(variable)_FILE are both set; keep one") }
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw ConfigFault("\(variable)_FILE names a file that cannot be read: \(path)")
        }
        return Secret(text.trimmingCharacters(in: .whitespacesAndNewlines))
    }
}
