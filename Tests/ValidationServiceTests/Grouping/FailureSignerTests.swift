import Testing

@testable import ValidationService

@Suite struct FailureSignerTests {
    private func signature(_ type: String, _ message: String, _ trace: String = "", test: String = "CartTest.adds") -> Signature {
        var signer = FailureSigner()
        return signer.signature(message: message, type: type, trace: trace, className: "", test: test)
    }

    @Test(
        "short messages of different tests never fall together",
        arguments: [
            ("AssertionError", "expected 1 but was 2"), ("", "failed"), ("", ""), ("", "Timeout of 5000ms exceeded"),
            ("", "expect(received).toBe(expected)"),
            ("KeyError", "'id'"), ("", "assert 3 == 4"), ("org.opentest4j.AssertionFailedError", "the cart should hold two different items"),
        ])
    func short(type: String, message: String) {
        #expect(signature(type, message, test: "CartTest.adds") != signature(type, message, test: "OrderTest.pays"))
        #expect(signature(type, message, test: "CartTest.adds(1, 2)") == signature(type, message, test: "CartTest.adds(3, 4)"))
    }

    @Test("an assertion in one test and a timeout in another are two")
    func unlike() {
        var index = GroupingIndex()
        let all = [
            signature("AssertionError", "expected 1 but was 2", test: "A"), signature("TimeoutError", "timed out after 500 ms", test: "B"),
            signature("", "failed", test: "C"), signature("", "error", test: "D"),
        ]
        for (number, one) in all.enumerated() { index.note(one, at: Int64(number)) }
        #expect(Set(all.map { index.group(of: $0) }).count == all.count)
    }

    @Test("what says what went wrong is one failure in every test that meets it")
    func shared() {
        func trace(_ name: String) -> String {
            "java.net.ConnectException: refused\n\tat java.net.Socket.connect(Socket.java:6)\n\tat com.shop.\(name)Test.run(\(name)Test.java:9)"
        }
        let one = signature("java.net.ConnectException", "Connection refused by db:5432", trace("Cart"), test: "Cart")
        let other = signature("ConnectException", "Connection refused by db:5433", trace("Order"), test: "Order")
        #expect(one == other)
        #expect(one.origin == "ConnectException")
    }

    @Test("application code in the trace tells failures of one message apart, line numbers do not")
    func frames() {
        func trace(_ call: String, _ line: Int) -> String {
            "\tat org.junit.Assert.fail(Assert.java:89)\n\tat com.shop.\(call)(Cart.java:\(line))\n\tat com.shop.CartTest.adds(CartTest.java:4)"
        }
        let adding = signature("IllegalStateException", "stock is empty", trace("Cart.add", 10))
        #expect(adding == signature("IllegalStateException", "stock is empty", trace("Cart.add", 99), test: "Other"))
        #expect(adding != signature("IllegalStateException", "stock is empty", trace("Cart.remove", 10)))
    }

    @Test("the type at the head of a message counts as the type, and a bare Error as none")
    func heads() {
        #expect(signature("", "TypeError: cannot read properties of undefined").origin == "TypeError")
        #expect(signature("TypeError", "TypeError: cannot read properties of undefined").text == "cannot read properties of <*>")
        #expect(signature("Error", "socket hang up").origin == signature("", "socket hang up").origin)
    }

    @Test(
        "the innermost call of the application is found in what many languages print",
        arguments: [
            ("at java.util.List.of(List.java:1)\n\tat com.shop.Cart.lambda$add$3(Cart.java:12)", "Cart.java com.shop.Cart.lambda$add$#"),
            (
                "Traceback (most recent call last):\n  File \"/app/run.py\", line 3, in main\n  File \"/app/cart.py\", line 9, in add\nX: no",
                "cart.py add"
            ),
            (
                "Error: no\n    at assert (node:assert:1:2)\n    at async Cart.add (/app/src/cart.js:10:5)\n    at run (/app/main.js:1:1)",
                "cart.js Cart.add"
            ),
            ("   at Shop.Cart.Add(Int32 i) in C:\\src\\Cart.cs:line 67\n   at System.Foo.Bar()", "Cart.cs Shop.Cart.Add"),
            ("goroutine 1 [running]:\nmain.add(0x1)\n\t/app/cart.go:12 +0x1d\nmain.main()\n\t/app/main.go:3 +0x2", "cart.go main.add"),
            ("/app/lib/cart.rb:12:in `add'\n/app/lib/main.rb:3:in `run'", "cart.rb add"),
            ("#0 /app/src/Cart.php(12): Cart->check()\n#1 {main}", "Cart.php Cart->check"),
            ("thread panicked\nsrc/cart.rs:10:5", "cart.rs"), ("Cart.swift:12: error: no", "Cart.swift"),
        ])
    func languages(trace: String, name: String) {
        #expect(StackTrace(trace).frames.first { $0.owner == .application }?.name == name)
    }

    @Test("a sentence is no call", arguments: ["at least one item (of 3) is missing", "at the end", "see cart.py for more", "Expected: 1"])
    func sentences(line: String) {
        let trace = StackTrace(line)
        #expect(trace.frames.isEmpty)
        #expect(trace.text == [Substring(line)])
    }

    @Test("a trace without end is read up to its limit")
    func bounds() {
        let trace = StackTrace(String(repeating: "\tat com.shop.Cart.add(Cart.java:1)\r\n", count: 100_000))
        #expect(trace.frames.count <= StackTrace.maxLines)
        #expect(!trace.frames.isEmpty)
    }
}
