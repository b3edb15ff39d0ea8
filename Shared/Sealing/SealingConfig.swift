import Configuration
import Primitives
import ServiceKit

/// The keys that wrap data keys, from the settings of a service that seals.
package struct SealingConfig: Sendable {
    /// `<service>.sealing.key.file`, or `<service>.sealing.key` where a file is not possible: base64 of 32 bytes; during a rotation a line for
    /// each key, `id:base64`, the new one first. There is no default: without it secrets would have to be stored in the clear.
    package let sealer: Sealer
    /// The variable that an operator has to look at when the key is wrong.
    let setting: String

    /// - Throws: in words for the operator.
    package init(_ reader: ConfigReader, service: String) throws(ConfigFault) {
        setting = "ASSAY_\(service.uppercased())_SEALING_KEY_FILE"
        guard let text = try reader.secret(forKey: "\(service).sealing.key") else {
            throw ConfigFault("\(setting) must name a file with base64 of 32 bytes (openssl rand -base64 32)")
        }
        do {
            sealer = try Sealer(text.reveal())
        } catch {
            throw ConfigFault("\(setting): \(error.detail)")
        }
    }

    package init(sealer: Sealer) {
        self.sealer = sealer
        setting = "sealing.key"
    }
}
