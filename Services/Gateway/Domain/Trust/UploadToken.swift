import Foundation
import Primitives

/// What an ID token was exchanged for: good for a quarter of an hour, for uploads to some projects, in one lane.
///
/// Opaque, as keys are, and looked up as they are: once in four seconds for each gateway, together with the policy behind it, so that a policy that
/// is deleted, disabled or changed is out of force everywhere within five. A signed one would need the same look-up for that.
struct UploadToken: Identified, Sendable {
    static let idPrefix = "upt"
    static let lifetime: TimeInterval = 900
    /// How often one ID token may be exchanged: enough for a step that is repeated, too little for a copy of it to be of use for long.
    static let exchanges = 5
    static let textPrefix = "asy_oidc_"
    static let scope = KeyScope.resultsWrite

    let id: ID<UploadToken>
    let policy: TrustPolicy
    let lane: Lane
    let projects: [UUID]

    /// `asy_oidc_<30 base62><6 base62 of the CRC-32 of all before>`.
    static func newText(using random: inout some RandomNumberGenerator) -> Secret<String> {
        Secret(KeyText.checked(prefix: textPrefix, using: &random))
    }

    static func isText(_ text: some StringProtocol) -> Bool { KeyText.isChecked(String(text), prefix: textPrefix) }
}
