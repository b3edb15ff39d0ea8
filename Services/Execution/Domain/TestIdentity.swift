import Crypto
import Foundation
import Primitives

/// A test, the same in every run. Its id is computed and nowhere looked up, so that two services, or two uploads at once, never disagree.
enum TestIdentity: Identified {
    static let idPrefix = "tst"

    static func id(project: ID<Project>, suite: String, className: String, name: String) -> ID<TestIdentity> {
        var identities = TestIdentities(project: project)
        return identities.id(suite: suite, className: className, name: name)
    }
}

/// Ids of many tests of one project. Reports name the same suite and class many times over, so that part of the text is kept ready.
struct TestIdentities: Sendable {
    private static let separator: UInt8 = 0x1F

    private let rules: [IdentityRule]
    private var text: [UInt8]
    private let projectLength: Int
    private var prefixLength = 0
    private var suite = ""
    private var className = ""

    /// - Parameter rules: the project's, of what is left out.
    init(project: ID<Project>, rules: [IdentityRule] = []) {
        self.rules = rules
        text = withUnsafeBytes(of: project.uuid.uuid) { Array($0) }
        projectLength = text.count
        setPrefix("", "")
    }

    /// UUIDv8 of the SHA-256 of the project's 16 bytes, then suite, class name and name in UTF-8 with 0x1F between them.
    /// Without what is volatile in the texts (`IdentityRule`).
    mutating func id(suite: String, className: String, name: String) -> ID<TestIdentity> {
        let (suite, className, name) = rules.texts(suite: suite, className: className, name: name)
        if suite != self.suite || className != self.className { setPrefix(suite, className) }
        text.removeSubrange(prefixLength...)
        text.append(contentsOf: name.utf8)
        return ID(uuid: .version8(digest: SHA256.hash(data: text)))
    }

    private mutating func setPrefix(_ suite: String, _ className: String) {
        self.suite = suite
        self.className = className
        text.removeSubrange(projectLength...)
        text.append(contentsOf: suite.utf8)
        text.append(Self.separator)
        text.append(contentsOf: className.utf8)
        text.append(Self.separator)
        prefixLength = text.count
    }
}
