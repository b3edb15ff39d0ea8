import Foundation
import TestSupport

/// Reports of a project's runs over some months: suites of two hundred tests, one test in twenty that fails now and then, one in a thousand that is
/// broken for the last fifth of the time, and some that fail by accident, forty tests in a class that tests one of its own: the more tests, the more failure
/// groups. Made up, and the same for the same seed.
struct HistoryReport {
    private static let perSuite = 200
    /// Words of messages; with the numbers in them, no two failures read the same.
    private static let troubles = [
        "connection to inventory refused after", "expected basket total", "element checkout-button not clickable within",
        "lease of worker lost after", "voucher was not applied to order", "session expired while paying order", "no stock left for article",
        "page did not settle within",
    ]
    private static let parts = ["cart", "search", "login", "payment", "invoice", "export", "profile", "catalogue", "stock", "shipping"]

    let tests: Int
    let runs: Int
    /// Of each test, up to how it ended.
    private let heads: [Data]
    private static let passed = Data("/>\n".utf8)

    init(tests: Int, runs: Int) {
        self.tests = tests
        self.runs = runs
        heads = (0..<tests).map { test in
            let className = "com.example.shop.\(Self.parts[test / 40 % 10]).Test\(test / 40)"
            return Data("<testcase classname=\"\(className)\" name=\"test number \(test)\" time=\"0.\(100 + test % 900)\"".utf8)
        }
    }

    /// - Parameter random: of this run alone.
    func report(of run: Int, using random: inout SeededRandom) -> Data {
        var xml = Data("<testsuites>\n".utf8)
        xml.reserveCapacity(tests * 130)
        for test in 0..<tests {
            if test % Self.perSuite == 0 {
                xml += Data("\(test == 0 ? "" : "</testsuite>")<testsuite name=\"suite \(test / Self.perSuite)\">\n".utf8)
            }
            xml += heads[test]
            xml += fails(test, in: run, using: &random) ? Self.failure(of: test, using: &random) : Self.passed
        }
        return xml + Data("</testsuite></testsuites>\n".utf8)
    }

    private func fails(_ test: Int, in run: Int, using random: inout SeededRandom) -> Bool {
        if test % 1000 == 3, run >= runs * 4 / 5 { return true }
        let rate = test % 20 == 7 ? 0.02 + 0.3 * Double(test % 11) / 10 : 0.0005
        return Double.random(in: 0..<1, using: &random) < rate
    }

    private static func failure(of test: Int, using random: inout SeededRandom) -> Data {
        let message = "\(troubles[test / 7 % 8]) \(Int.random(in: 1...9_999, using: &random)) ms in \(parts[test / 3 % 10])"
        let frame = "at com.example.shop.\(parts[test / 40 % 10]).Service\(test / 40).call\(test % 5)(Service\(test / 40).java:\(test % 300))"
        return Data("><failure message=\"\(message)\" type=\"TroubleError\">\(frame)</failure></testcase>\n".utf8)
    }
}
