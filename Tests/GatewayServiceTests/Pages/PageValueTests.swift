import Foundation
import Testing

@testable import GatewayService

@Suite("What templates find of a value")
struct PageValueTests {
    private struct Row {
        let name: String
        let note: String?
        let isOn: Bool?
    }

    private struct View {
        enum Kind { case many }

        let kind = Kind.many
        let count: Int64? = 7
        let at: Date? = Date(timeIntervalSince1970: 0)
        let row: Row? = Row(name: "one", note: "said", isOn: false)
        let absent: Row? = nil
        let rows: [Row]? = [Row(name: "two", note: nil, isOn: true)]
        let words = ["a", "b"]
        let none: [Row] = []
    }

    @Test("by their names, out of what may be absent; what is absent is not there, and stands for nothing around it")
    func properties() throws {
        let view = PageValue(View())
        #expect(view.child(named: "kind").map { "\($0)" } == "many" && view.child(named: "count") as? Int64 == 7)
        #expect(view.child(named: "at").map { "\($0)" } == "1970-01-01 00:00:00 +0000")
        #expect(view.child(named: "absent") == nil && view.child(named: "unheard of") == nil)
        let row = try #require(view.child(named: "row") as? PageValue)
        #expect(row.child(named: "name") as? String == "one" && row.child(named: "note") as? String == "said")
        #expect(row.child(named: "isOn") as? Bool == false)
        let rows = try #require(view.child(named: "rows") as? [Any])
        let second = try #require(rows.first as? PageValue)
        #expect(rows.count == 1 && second.child(named: "note") == nil && second.child(named: "isOn") as? Bool == true)
        #expect(view.child(named: "words") as? [String] == ["a", "b"] && (view.child(named: "none") as? [Any])?.isEmpty == true)
    }
}
