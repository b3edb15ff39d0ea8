import Foundation
import Primitives
import Testing

@testable import ValidationService

@Suite("what people filed decides where no rule does")
struct LearnedStepTests {
    @Test("the same signature is wholly alike, and what differs is masked")
    func same() throws {
        var taught = Taught()
        taught.add("warehouse 17 gave no stock figures", .data, .low)
        let judgement = try #require(taught.judge("warehouse 18 gave no stock figures"))
        #expect(judgement.category == .data && judgement.severity == .low && judgement.rule == "learned")
        #expect(judgement.evidence == "the same as one that people filed as data" && judgement.neighbours.map(\.similarity) == [1000])
        #expect(judgement.neighbours[0].result == taught.lessons[0].result && judgement.neighbours[0].verdict == 2)
    }

    @Test("what is much alike decides, and says how much; what is less alike does not")
    func near() throws {
        var taught = Taught()
        taught.add("the stock feed of the warehouse stopped before the order was written", .network, .critical)
        let near = try #require(taught.judge("the stock feed of the warehouse stopped before the invoice was written"))
        #expect(near.category == .network && near.severity == .critical)
        let similarity = try #require(near.neighbours.first?.similarity)
        #expect((LearnedStep.needed..<1000).contains(similarity))
        #expect(near.evidence == "like one that people filed as network: \(similarity / 10) % alike")
        #expect(taught.judge("the stock feed of the depot began after an invoice was written") == nil)
        #expect(taught.judge("something else went wrong entirely today") == nil)
    }

    @Test("several agree, and the nearest that named a severity says it")
    func several() throws {
        var taught = Taught()
        for (word, severity) in [("order", nil), ("invoice", Severity.high), ("receipt", .low)] {
            taught.add("the stock feed of the warehouse stopped before the \(word) was written", .outOfMemory, severity)
        }
        let judgement = try #require(taught.judge("the stock feed of the warehouse stopped before the parcel was written"))
        #expect(
            judgement.neighbours.count == 3 && judgement.evidence.hasPrefix("like 3 failures that people filed as out of memory: the nearest is "))
        let named = try #require(judgement.neighbours.first { $0.severity != nil })
        #expect(judgement.severity == named.severity)
    }

    @Test("without a severity of a person it is the one that most rules of the category say")
    func usual() throws {
        var taught = Taught()
        taught.add("warehouse 17 gave no stock figures", .dns)
        let judgement = try #require(taught.judge("warehouse 18 gave no stock figures"))
        #expect(judgement.severity == BuiltInRules.all.usualSeverity(of: .dns))
        for category in Category.allCases {
            let severities = BuiltInRules.all.rules.filter { $0.category == category }.map(\.severity)
            #expect(severities.contains(BuiltInRules.all.usualSeverity(of: category)))
        }
    }

    @Test("where those that are alike were filed differently there is no answer; on one signature the word that holds decides")
    func disagreement() throws {
        var taught = Taught()
        taught.add("the stock feed of the warehouse stopped before the order was written", .network)
        taught.add("the stock feed of the warehouse stopped before the invoice was written", .data)
        #expect(taught.judge("the stock feed of the warehouse stopped before the parcel was written") == nil)
        #expect(taught.judge("the stock feed of the warehouse stopped before the order was written")?.category == .network)
    }

    @Test("one of five may disagree, two may not")
    func agreement() {
        let words = ["order", "invoice", "receipt", "parcel", "letter"]
        func judged(dissenting: Int) -> Judgement? {
            var taught = Taught()
            for (number, word) in words.enumerated() {
                taught.add("the stock feed of the warehouse stopped before the \(word) was written", number < dissenting ? .data : .network)
            }
            return taught.judge("the stock feed of the warehouse stopped before the voucher was written")
        }
        #expect(judged(dissenting: 0)?.category == .network && judged(dissenting: 2) == nil)
        // All five are as near; the nearest is the one of the smallest signature, which may be the one that disagrees.
        #expect([nil, ValidationService.Category.network].contains(judged(dissenting: 1)?.category))
    }

    @Test("one word of its own is no resemblance, nor are words that any failure is reported with")
    func stock() {
        var taught = Taught()
        taught.add(Taught.signature("warehouse was expected", test: "first"), .network)
        taught.add(Taught.signature("test failed", test: "first"), .data)
        #expect(taught.step.judge(Taught.signature("warehouse had failed", test: "second"), of: .new()) == nil)
        #expect(taught.step.judge(Taught.signature("test failed", test: "second"), of: .new()) == nil)
        // It is that test's failure, and when it comes again it is the same.
        #expect(taught.step.judge(Taught.signature("test failed", test: "first"), of: .new())?.category == .data)
    }

    @Test("what was said of a failure does not decide it, and that nobody knows what it is decides nothing")
    func echo() {
        var taught = Taught()
        let own = ID<ValidationService.Result>.new()
        let signature = Taught.signature("warehouse 17 gave no stock figures")
        taught.add(signature, .data, result: own)
        #expect(taught.step.judge(signature, of: own) == nil && taught.step.judge(signature, of: .new())?.category == .data)
        var unknown = Taught()
        unknown.add(signature, .unknown)
        #expect(unknown.step.judge(signature, of: .new()) == nil)
    }

    @Test("the order in which people say things makes no difference", arguments: 1...20 as ClosedRange<UInt64>)
    func order(seed: UInt64) {
        var chance = Chance(seed)
        let words = ["order", "invoice", "receipt", "parcel", "warehouse", "stock", "feed", "stopped", "early", "written", "lost", "queue"]
        func message() -> String { (0..<8).map { _ in words.randomElement(using: &chance)! }.joined(separator: " ") }
        var said: [(Signature, ValidationService.Category, ID<ValidationService.Result>)] = []
        for _ in 0..<60 {
            let signature = Taught.signature(message())
            guard !said.contains(where: { $0.0 == signature }) else { continue }
            said.append((signature, [.network, .data, .setup].randomElement(using: &chance)!, .new()))
        }
        var (one, other) = (Taught(), Taught())
        for (signature, category, result) in said { one.add(signature, category, result: result) }
        for (signature, category, result) in said.shuffled(using: &chance) { other.add(signature, category, result: result) }
        let (first, second) = (one.step, other.step)
        for _ in 0..<200 {
            let (asked, result) = (Taught.signature(message()), ID<ValidationService.Result>.new())
            #expect(first.judge(asked, of: result) == second.judge(asked, of: result))
        }
    }

    @Test("the newest signatures are remembered, and no others")
    func bounded() {
        var taught = Taught()
        for number in 0...Lessons.most { taught.add("feed \(Self.letters(number)) of the warehouse stopped writing", .network) }
        let (first, second) = (taught.lessons[0].signature, taught.lessons[1].signature)
        #expect(taught.step.lessons.lesson(on: first, of: .new()) == nil && taught.step.lessons.lesson(on: second, of: .new()) != nil)
    }

    @Test("a released edition does not change: whoever changes words, weights, bounds or signatures raises it")
    func edition() throws {
        var taught = Taught()
        taught.add(Taught.signature("the stock feed of warehouse 17 stopped before the order was written", type: "shop.FeedException"), .network)
        taught.add(Taught.signature("the price feed of warehouse 3 stopped before the order was written", type: "shop.FeedException"), .network)
        taught.add(Taught.signature("invoice without a line"), .data)
        let asked = Taught.signature("the stock feed of depot 9 stopped before the invoice was written", type: "shop.FeedException")
        let found = taught.step.lessons.nearest(to: asked, of: .new(), most: 5, least: 0, shared: 2)
        #expect(LearnedStep.edition == 1 && GroupingEdition.current.number == 1)
        #expect(found.map(\.similarity) == [627, 489], "\(found.map(\.similarity))")
    }

    /// A word without digits, for what has digits is masked.
    static func letters(_ number: Int) -> String {
        String(String(number).map { Character(UnicodeScalar(UInt8(ascii: "a") + UInt8($0.wholeNumberValue!))) }) + "x"
    }
}
