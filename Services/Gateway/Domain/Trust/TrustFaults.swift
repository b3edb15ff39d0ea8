import Primitives

// CI without a key.
extension Fault {
    /// One sentence for everything that is wrong before the signature is known to be right: what is wrong with a token is nobody's business.
    static let idTokenInvalid = Fault(
        .unauthenticated, "oidc.token_invalid",
        "The ID token is not valid: it is malformed, expired, not signed by its issuer, or not for an issuer and audience that this organization trusts."
    )
    static let idTokenReplayed = Fault(
        .unauthenticated, "oidc.token_replayed", "The ID token was exchanged \(UploadToken.exchanges) times already. Request a fresh one.")
    static let buildNotTrusted = Fault(
        .forbidden, "oidc.not_trusted", "No trust policy of the organization lets this build upload to this project.")
    static let forkRefused = Fault(
        .forbidden, "oidc.fork_refused", "The trust policy takes nothing from forks and pull requests.")
    static let organizationMissing = Fault(
        .invalid, "oidc.organization_missing", "Say which organization is meant, or let the token's audience end with its id.",
        fields: [.init("/organization", "required", "Needed unless the token's audience ends with it.")])
    /// Why is logged, not told: it would show whoever asks what this installation can reach.
    static let providerUnreachable = Fault.unavailable(
        "idp_unreachable", "The issuer of the token could not be asked for its keys.", retryAfter: .seconds(10))

    static func tooManyPolicies(_ limit: Int) -> Fault {
        Fault(.precondition, "trust_policies.too_many", "An organization can have at most \(limit) trust policies.")
    }
}
