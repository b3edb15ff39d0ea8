import Testing

@testable import GatewayService

@Suite("answers that are known already")
struct RevalidationTests {
    private let path = "/api/v1/projects/prj_1/trends"
    private let query = [(name: "days", value: "30")]

    private func revision(_ header: String?, days: String = "30") -> Int64 {
        EntityTag.revision(ifNoneMatch: header, path: path, query: [("days", days)])
    }

    @Test("the tag of an answer names its revision, for the same request only")
    func tag() {
        let tag = EntityTag.of(path: path, query: query, revision: 77)
        #expect(tag.hasPrefix("W/\"77.") && revision(tag) == 77)
        #expect(revision(tag, days: "90") == 0)
        #expect(EntityTag.revision(ifNoneMatch: tag, path: "/api/v1/projects/prj_2/trends", query: query) == 0)
        #expect(revision(tag.replacing("77", with: "78")) == 78, "a tag says no more than which revision is known")
        #expect(revision("\"a\", \(tag)") == 77)
    }

    @Test(
        "what is no tag of ours is known by nobody",
        arguments: [nil, "", "*", "W/", "W/\"", "W/\"x.y\"", "\"77.abc\"", "W/\"-3.abc\"", "W/\"77\"", ",,"])
    func malformed(header: String?) {
        #expect(revision(header) == 0)
    }
}
