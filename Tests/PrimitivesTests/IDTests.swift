import Foundation
import Primitives
import Testing

private enum Sample: Identified { static let idPrefix = "smp" }

@Suite struct IDTests {
    @Test("an id reads back from its text")
    func roundTrip() throws {
        let id = ID<Sample>.new()
        #expect(try ID<Sample>(id.description) == id)
        #expect(id.description.count == 4 + 26)
    }

    @Test("ids sort by the time of their making and tell it")
    func order() {
        let early = ID<Sample>.new(at: Date(timeIntervalSince1970: 1_700_000_000))
        let late = ID<Sample>.new(at: Date(timeIntervalSince1970: 1_700_000_001))
        #expect(early < late)
        #expect(early.description < late.description)
        #expect(early.time == Date(timeIntervalSince1970: 1_700_000_000))
    }

    @Test("ids of one process ascend, also within a millisecond and from many threads")
    func ascending() async {
        let ids = (0..<20_000).map { _ in ID<Sample>.new() }
        #expect(zip(ids, ids.dropFirst()).allSatisfy { $0 < $1 })
        let all = await withTaskGroup(of: [ID<Sample>].self) { group in
            for _ in 0..<8 { group.addTask { (0..<5000).map { _ in ID<Sample>.new() } } }
            return await group.reduce(into: []) { $0 += $1 }
        }
        #expect(Set(all).count == all.count)
    }

    @Test(
        "a text that is not an id of this kind is refused with its field",
        arguments: [
            "", "smp_", "run_01890a5d-ac96-774b-bcce-b302099a8057", "smp_zzzzzzzzzzzzzzzzzzzzzzzzzz", "smp_0000000000000000000000000u",
            "org_00000000000000000000000000",
        ])
    func refused(text: String) {
        #expect {
            try ID<Sample>(text, field: "sample")
        } throws: { error in
            (error as? Fault)?.code == "request.invalid_id" && (error as? Fault)?.fields.first?.pointer == "sample"
        }
    }

    @Test("versions 7 and 8 carry their version and variant bits")
    func versions() {
        var random = SystemRandomNumberGenerator()
        let seven = UUID.version7(at: Date(), using: &random).uuid
        let eight = UUID.version8(digest: Array(repeating: UInt8(0xFF), count: 32)).uuid
        #expect(seven.6 >> 4 == 7 && seven.8 >> 6 == 2)
        #expect(eight.6 >> 4 == 8 && eight.8 >> 6 == 2)
    }
}
