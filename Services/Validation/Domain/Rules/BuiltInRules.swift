/// The rules that everybody has, in order. What is specific stands before what is general: why a process died before that it died, what the network did
/// before that something took too long. An assertion that merely mentions a word such as "timeout" must not be taken for one, so texts are phrases that
/// programs print, not words.
enum BuiltInRules {
    /// Raised when a rule changes what it decides. Stored with each judgement; `rules(of:)` keeps those that failures can be judged again with.
    static let edition: Int32 = 2

    static let all = RuleSet(
        outOfMemory + crash + runnerTimeout + truncatedReport + resource + dns + tls + network + timeout + authentication + authorization
            + serverError
            + concurrency + environment + data + setup + assertion + unknown)

    /// - Returns: `nil` for an edition that this release does not know. What the first one judged was kept without what it saw, so nobody can ask for it.
    static func rules(of edition: Int32) -> RuleSet? { edition == Self.edition ? all : nil }
}
