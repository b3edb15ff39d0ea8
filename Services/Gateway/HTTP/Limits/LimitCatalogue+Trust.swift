extension LimitCatalogue {
    /// What holds for CI without a key.
    static let trust = [
        Limit(
            name: "trust_policies", value: Int64(TrustPolicy.most), unit: .items, scope: .organization, about: "Trust policies of an organization."),
        Limit(
            name: "trust_policy.claims", value: Int64(TrustPolicy.maxClaims), unit: .items, scope: .organization,
            about: "Claims that a trust policy names."),
        Limit(
            name: "id_token.size", value: Int64(IDToken.maxLength), unit: .bytes, scope: .request, about: "An ID token that is to be exchanged."),
        Limit(
            name: "id_token.life", value: Int64(IDToken.longestLife), unit: .seconds, scope: .request,
            about: "The longest life that an ID token may claim."
        ),
        Limit(
            name: "id_token.exchanges", value: Int64(UploadToken.exchanges), unit: .tries, scope: .organization,
            about: "How often one ID token can be exchanged."),
        Limit(
            name: "upload_token.life", value: Int64(UploadToken.lifetime), unit: .seconds, scope: .key,
            about: "Life of what an ID token is exchanged for."),
    ]
}
