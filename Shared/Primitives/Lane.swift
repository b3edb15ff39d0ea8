/// How far what a caller sends can be relied on. Part of the signed caller, so that no service has to ask; the raw value is stored and signed.
package enum Lane: String, Sendable, CaseIterable {
    case trusted
    /// From a build that strangers can change, such as that of a fork: kept and shown, but nothing is learnt from it, and nobody is alerted.
    case untrusted
}
