import Primitives

// Codes of people and their sessions.

extension Fault {
    static let loginTooOld = Fault(
        .unauthenticated, "auth.login_too_old", "You are an administrator there, and your login is too long ago for that: log in again.")
    // Signing in
    static let credentialsInvalid = Fault(.unauthenticated, "auth.credentials_invalid", "E-mail address, password or code are not right.")
    static let codeRequired = Fault(
        .unauthenticated, "auth.code_required", "A code of the authenticator app, or a recovery code, is needed as well.",
        fields: [.init("/code", "required", "Six digits, or a recovery code.")])
    static let tokenInvalid = Fault(.unauthenticated, "auth.token_invalid", "The access token is not valid: it is malformed, expired or revoked.")
    static let refreshInvalid = Fault(.unauthenticated, "auth.refresh_invalid", "The refresh token is not valid. Please log in again.")
    static let resetRequired = Fault(
        .forbidden, "auth.reset_required",
        "There were too many failed tries. Log in from a device that you have used before, or set a new password with a mailed link.")
    static let notAMember = Fault(.forbidden, "auth.not_a_member", "You do not belong to this organization.")
    static let personNeeded = Fault(.forbidden, "auth.person_needed", "This is for people: a key has no account.")

    static func tooManyAttempts(retryAfter: Duration) -> Fault {
        Fault(.exhausted, "auth.too_many_attempts", "There were too many failed tries. Please wait.", retryAfter: retryAfter)
    }

    // Accounts
    static let registrationClosed = Fault(.forbidden, "registration.closed", "Nobody can register here. Ask for an invitation.")
    static let linkInvalid = Fault(.invalid, "auth.link_invalid", "This link is not valid: it has expired, or was used already. Ask for another one.")
    static let currentPasswordWrong = Fault(
        .forbidden, "auth.current_password", "The current password is not right.", fields: [.init("/current_password", "wrong", "Not the password.")])
    static let emailTaken = Fault(.conflict, "account.email_taken", "Another account has this address.")
    static let mailUnavailable = Fault.unavailable(
        "mail.not_configured", "This installation cannot send mail, which this needs. Its operator has to configure it.", retryAfter: .seconds(3_600))

    // The second factor
    static let secondFactorOn = Fault(.precondition, "second_factor.on", "The second factor is on already. Remove it first.")
    static let secondFactorOff = Fault(.precondition, "second_factor.off", "The second factor is not on.")
    static let secondFactorNotBegun = Fault(.precondition, "second_factor.not_begun", "Ask for a secret first.")
    static let codeWrong = Fault(
        .forbidden, "second_factor.code_wrong", "The code is not right, or was used already.", fields: [.init("/code", "wrong", "Not the code.")])
    static let passwordTooShortWithout = Fault(
        .precondition, "second_factor.password_short",
        "Without a second factor a password needs \(PasswordPolicy.shortest) characters. Choose a longer one first.")
}
