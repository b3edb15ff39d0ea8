extension LimitCatalogue {
    /// What holds for people and how they sign in.
    static let people = [
        Limit(
            name: "sign_in.device", value: Int64(SignInThrottle.pairLimit), unit: .tries, scope: .account,
            about: "Failed logins of an account from one address within 15 minutes; from the sixth on each waits 1, 2, 4 … 30 seconds."),
        Limit(
            name: "sign_in.address", value: Int64(SignInThrottle.addressLimit), unit: .tries, scope: .address,
            about: "Failed logins from one address within an hour, whatever the account."),
        Limit(
            name: "sign_in.account", value: Int64(SignInThrottle.accountLimit), unit: .tries, scope: .account,
            about:
                "Failed logins of an account without a success between them; then only devices that it was used from get in without a new password."),
        Limit(
            name: "sign_in.code", value: Int64(SecondFactors.limit), unit: .tries, scope: .account,
            about: "Codes of the second factor within 15 minutes."),
        Limit(
            name: "password.shortest", value: Int64(PasswordPolicy.shortest), unit: .characters, scope: .account,
            about: "A password without a second factor; with one, 8 are enough."),
        Limit(name: "password.longest", value: Int64(PasswordPolicy.longest), unit: .characters, scope: .account, about: "A password."),
        Limit(
            name: "link.mails", value: Int64(LinkStore.maxPerHour), unit: .mails, scope: .address,
            about: "Mails with links to one mail address within an hour; further ones are not sent."),
        Limit(
            name: "link.life", value: Int64(LinkToken.Purpose.verify.life), unit: .seconds, scope: .account,
            about: "Life of a link that confirms an address."),
        Limit(
            name: "link.reset.life", value: Int64(LinkToken.Purpose.reset.life), unit: .seconds, scope: .account,
            about: "Life of a link that sets a new password."),
        Limit(
            name: "token.life", value: Int64(AccessToken.lifetime), unit: .seconds, scope: .account, about: "Life of an access token."),
        Limit(
            name: "session.idle", value: Int64(RefreshDecision.idle), unit: .seconds, scope: .account,
            about: "Life of a refresh token that is not used; a browser's session ends after 12 hours without use."),
        Limit(name: "session.life", value: Int64(RefreshDecision.longest), unit: .seconds, scope: .account, about: "Life of a session."),
        Limit(
            name: "session.administrator.idle", value: Int64(SessionLife.administrator.idle), unit: .seconds, scope: .account,
            about: "Life of a session that is not used, of whoever can let others in: administrators and super admins."),
        Limit(
            name: "session.administrator.life", value: Int64(SessionLife.administrator.longest), unit: .seconds, scope: .account,
            about: "Life of a session of an administrator, from the login on."),
    ]
}
