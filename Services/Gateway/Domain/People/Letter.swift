import Foundation
import Primitives

/// A mail in words: the same paragraphs make its plain text and its HTML.
struct Letter: Sendable {
    let subject: String
    let paragraphs: [String]
    let action: Action?
    /// Why somebody gets it, and what to do if it was not them.
    let footer: String

    struct Action: Sendable {
        let label: String
        let link: String
    }

    var text: String {
        let parts = paragraphs + (action.map { ["\($0.label):\n\($0.link)"] } ?? []) + ["-- \n" + footer]
        return parts.joined(separator: "\n\n") + "\n"
    }

    /// How long a link is good, in words.
    private static func life(_ purpose: LinkToken.Purpose) -> String {
        let minutes = Int(purpose.life / 60)
        return minutes < 120 ? "\(minutes) minutes" : "\(minutes / 60) hours"
    }

    private static func link(_ site: String, _ path: String, _ token: LinkToken) -> String { "\(site)\(path)?token=\(token.secret.reveal())" }

    static func verify(name: String, _ token: LinkToken, site: String, from address: String) -> Letter {
        Letter(
            subject: "Confirm your address for Assay",
            paragraphs: ["Hello \(name),", "open this link to confirm your address and finish your registration. It is good for \(life(.verify))."],
            action: Action(label: "Confirm the address", link: link(site, "/verify", token)),
            footer: "Somebody asked for this from \(address.isEmpty ? "an unknown address" : address). If it was not you, there is nothing to do: "
                + "without this link no account is made.")
    }

    static func alreadyRegistered(name: String, _ token: LinkToken, site: String, from address: String) -> Letter {
        Letter(
            subject: "You have an account with Assay",
            paragraphs: [
                "Hello \(name),",
                "somebody has tried to register this address, but there is an account already. If it was you and you do not remember your password, "
                    + "you can set another one within \(life(.reset)).",
            ],
            action: Action(label: "Set a new password", link: link(site, "/reset-password", token)),
            footer: "The request came from \(address.isEmpty ? "an unknown address" : address). If it was not you, there is nothing to do.")
    }

    static func reset(name: String, _ token: LinkToken, site: String, from address: String, byAdmin: Bool = false) -> Letter {
        Letter(
            subject: "Set a new password for Assay",
            paragraphs: [
                "Hello \(name),",
                (byAdmin ? "an administrator of your organization asks you to set a new password." : "open this link to set a new password.")
                    + " The link is good once, for \(life(.reset)). All your sessions end with it.",
            ],
            action: Action(label: "Set a new password", link: link(site, "/reset-password", token)),
            footer: "The request came from \(address.isEmpty ? "an unknown address" : address). If it was not you, there is nothing to do: "
                + "your password stays as it is.")
    }

    static func confirmEmail(name: String, _ token: LinkToken, site: String) -> Letter {
        Letter(
            subject: "Confirm your new address for Assay",
            paragraphs: ["Hello \(name),", "open this link to use this address for your account. It is good for \(life(.email))."],
            action: Action(label: "Use this address", link: link(site, "/confirm-email", token)),
            footer: "If you did not ask for this, there is nothing to do: the account keeps the address that it has.")
    }

    // MARK: - Notices

    private static let notYou = "If it was not you, set a new password now and look through your sessions."

    static func passwordChanged(name: String, site: String) -> Letter {
        Letter(
            subject: "Your password for Assay was changed",
            paragraphs: ["Hello \(name),", "your password was changed, and your other sessions have ended."],
            action: Action(label: "Your account", link: site + "/account"), footer: notYou)
    }

    static func emailChanging(name: String, to address: EmailAddress, site: String) -> Letter {
        Letter(
            subject: "Your address for Assay is about to change",
            paragraphs: ["Hello \(name),", "somebody who knows your password asked to change the address of your account to \(address.text)."],
            action: Action(label: "Your account", link: site + "/account"), footer: notYou)
    }

    static func secondFactor(name: String, isOn: Bool, site: String) -> Letter {
        Letter(
            subject: "Your second factor for Assay was turned \(isOn ? "on" : "off")",
            paragraphs: ["Hello \(name),", "from now on a code of your authenticator app is \(isOn ? "" : "not ")needed to sign in."],
            action: Action(label: "Your account", link: site + "/account"), footer: notYou)
    }

    static func sessionStolen(name: String, address: String, site: String) -> Letter {
        Letter(
            subject: "A session of yours was ended",
            paragraphs: [
                "Hello \(name),",
                "a token of one of your sessions was used a second time, from \(address.isEmpty ? "an unknown address" : address). Somebody else may "
                    + "have a copy of it, so the session was ended on all sides.",
            ],
            action: Action(label: "Your account", link: site + "/account"), footer: notYou)
    }
}
