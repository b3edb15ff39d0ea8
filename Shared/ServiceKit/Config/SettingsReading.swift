import Configuration
import Foundation
import Primitives

/// Reads settings one after the other and collects what is wrong with them, so that an operator sees every mistake in one go.
struct SettingsReading {
    let reader: ConfigReader
    let service: String
    private(set) var problems: [String] = []

    init(reader: ConfigReader, service: String) {
        self.reader = reader
        self.service = service
    }

    mutating func problem(_ text: String) { problems.append(text) }

    mutating func check(_ holds: Bool, _ text: String) {
        if !holds { problems.append(text) }
    }

    /// `<service>.<key>` wins over `<key>`.
    mutating func secret(_ key: String) -> Secret<String>? {
        do {
            let own = try reader.secret(forKey: "\(service).\(key)")
            let shared = try reader.secret(forKey: key)
            return own ?? shared
        } catch {
            problems += error.problems
            return nil
        }
    }

    /// Base64 of at least `CallerKeys.minBytes` bytes.
    mutating func key(_ key: String) -> Secret<Data>? {
        do {
            guard let text = try reader.secret(forKey: key) else { return nil }
            guard let data = Data(base64Encoded: text.reveal()), data.count >= CallerKeys.minBytes else {
                problems.append("\(variable(key)) must be base64 of at least \(CallerKeys.minBytes) bytes")
                return Secret(Data())
            }
            return Secret(data)
        } catch {
            problems += error.problems
            return Secret(Data())
        }
    }

    mutating func number(_ key: String, default standard: Int, in range: ClosedRange<Int>) -> Int {
        let shared = sharedNumber(key, default: standard, in: range)
        return sharedNumber("\(service).\(key)", default: shared, in: range)
    }

    mutating func sharedNumber(_ key: String, default standard: Int, in range: ClosedRange<Int>) -> Int {
        let value = reader.int(forKey: ConfigKey(key), default: standard)
        check(range.contains(value), "\(variable(key)) must be between \(range.lowerBound) and \(range.upperBound)")
        return value
    }

    mutating func endpoint(_ key: String, default standard: Endpoint) -> Endpoint {
        let text = reader.string(forKey: ConfigKey("\(service).\(key)"), default: standard.description)
        if let endpoint = Endpoint(text) { return endpoint }
        problems.append("\(variable("\(service).\(key)")) must be host:port")
        return standard
    }

    mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(_ key: String, default standard: Choice) -> Choice {
        let text = reader.string(forKey: ConfigKey(key), default: standard.rawValue)
        if let choice = Choice(rawValue: text) { return choice }
        problems.append("\(variable(key)) must be one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
        return standard
    }

    mutating func tls() -> TLSFiles? {
        let keys = ["tls.certificate.file", "tls.key.file", "tls.ca.file"]
        let paths = keys.map { reader.string(forKey: ConfigKey($0)) }
        guard paths.contains(where: { $0 != nil }) else { return nil }
        for (key, path) in zip(keys, paths) {
            guard let path else {
                problems.append("\(variable(key)) must be set, since another TLS file is")
                continue
            }
            check(FileManager.default.isReadableFile(atPath: path), "\(variable(key)) names a file that cannot be read: \(path)")
        }
        return TLSFiles(certificate: paths[0] ?? "", key: paths[1] ?? "", authority: paths[2] ?? "")
    }

    private func variable(_ key: String) -> String {
        SettingsLog.variable(["assay"] + key.split(separator: ".").map(String.init))
    }
}
