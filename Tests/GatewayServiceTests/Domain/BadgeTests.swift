import Foundation
import FoundationXML
import Primitives
import Testing

@testable import GatewayService

@Suite("Badges")
struct BadgeTests {
    private typealias Numbers = StatusBadge.Numbers

    @Test(
        "a badge says how the run ended, and its colour promises no more",
        arguments: [
            ("status", .passed, Numbers(passed: 10), false, "passing", .green), ("status", .passed, Numbers(passed: 10), true, "incomplete", .amber),
            ("status", .passed, Numbers(skipped: 4), false, "no tests", .grey),
            ("status", .failed, Numbers(passed: 9, failed: 1), false, "failing", .red),
            ("status", .error, Numbers(errored: 1), false, "error", .red), ("status", .timedOut, Numbers(), false, "timed out", .amber),
            ("status", .cancelled, Numbers(), false, "cancelled", .grey), ("passrate", .passed, Numbers(passed: 3), false, "100%", .green),
            ("passrate", .failed, Numbers(passed: 999_999, failed: 1), false, "99.9%", .amber),
            ("passrate", .failed, Numbers(passed: 2, failed: 1), false, "66.6%", .red),
            ("passrate", .passed, Numbers(skipped: 1), false, "no tests", .grey),
            ("passrate", .failed, Numbers(failed: 5), false, "0.0%", .red),
            ("tests", .failed, Numbers(passed: 412, failed: 2, errored: 1, skipped: 2), false, "412 passed, 3 failed, 2 skipped", .red),
            ("tests", .failed, Numbers(errored: 1), false, "1 failed", .red), ("tests", .passed, Numbers(passed: 1), false, "1 passed", .green),
            ("tests", .passed, Numbers(skipped: 2), false, "0 passed, 2 skipped", .grey), ("tests", .passed, Numbers(), false, "no tests", .grey),
        ] as [(String, StatusBadge.Ending, StatusBadge.Numbers, Bool, String, StatusBadge.Colour)])
    func words(
        metric: String, ending: StatusBadge.Ending, numbers: StatusBadge.Numbers, isIncomplete: Bool, message: String, colour: StatusBadge.Colour
    ) throws {
        let badge = StatusBadge(try #require(.init(rawValue: metric)), label: nil, run: (ending, numbers, isIncomplete))
        #expect(badge.message == message && badge.colour == colour)
    }

    @Test("a label is text, whatever it holds, and the image is well-formed XML without anything that runs")
    func hostile() throws {
        let label = #"</text><script>alert("1")</script>&'"# + "\u{0}\u{202E}\u{7}日本🚀" + String(repeating: "x", count: 100)
        let badge = StatusBadge(.status, label: label, run: nil)
        #expect(badge.label.count == StatusBadge.maxLabel && badge.message == "no runs" && badge.colour == .grey)
        let svg = BadgeImage.svg(badge)
        #expect(!svg.contains("<script") && !svg.contains("\u{202E}") && svg.contains("&lt;/text&gt;&lt;script&gt;alert(&quot;1&quot;)"))
        let document = XMLParser(data: Data(svg.utf8))
        #expect(document.parse(), "\(String(describing: document.parserError))")
        #expect(try JSONSerialization.jsonObject(with: Data(BadgeImage.json(badge).utf8)) is [String: Any])
    }

    @Test("texts are as wide as DejaVu Sans draws them at 11 pixels, but for what rounding adds")
    func widths() {
        // Measured with FreeType.
        for (text, pixels) in [
            ("passing", 42.2), ("failing", 33.7), ("pass rate", 51.0), ("412 passed, 3 failed, 2 skipped", 171.8), ("100%", 31.4), ("iiii", 12.2),
            ("WWW", 32.6), ("timed out", 53.3),
        ] {
            #expect(abs(Double(BadgeImage.width(of: text)) - pixels) <= 1 + pixels / 50, "\(text): \(BadgeImage.width(of: text)), not \(pixels)")
        }
    }

    @Test("a token is known again by whoever has the key, and no other text is one")
    func tokens() {
        let signer = BadgeToken.Signer(secret: Data(repeating: 1, count: 32))
        let token = BadgeToken(tenant: .new(), project: .new(), generation: 258)
        let text = signer.sign(token)
        #expect(signer.verify(text) == token && text.utf8.allSatisfy { $0 < 128 } && !text.contains("="))
        #expect(BadgeToken.Signer(secret: Data(repeating: 2, count: 32)).verify(text) == nil)
        for index in text.indices {
            var other = text
            other.replaceSubrange(index...index, with: text[index] == "A" ? "B" : "A")
            #expect(signer.verify(other) == nil, "changed at \(text.distance(from: text.startIndex, to: index))")
        }
        for other in ["", "A", text + "A", String(text.dropLast()), text.replacing("-", with: "+") + "=", String(repeating: "é", count: 35)] {
            #expect(signer.verify(other) == nil || other == text)
        }
    }
}
