import Foundation
import Testing

@testable import CommandLineClient

@Suite struct DisplayTests {
    @Test("columns are as wide as what is in them, numbers to the right, the last one cut where the terminal ends")
    func table() {
        var table = Table(columns: [.init(title: "RUN"), .init(title: "TESTS", isNumber: true), .init(title: "NAME")])
        table.rows = [["run_1", "12", "Build\n4711"], ["run_22", "3", "a name that is too long"]]
        #expect(table.text() == "RUN     TESTS  NAME\nrun_1      12  Build 4711\nrun_22      3  a name that is too long")
        #expect(table.text(width: 28) == "RUN     TESTS  NAME\nrun_1      12  Build 4711\nrun_22      3  a name that …")
    }

    @Test("what others wrote cannot move the cursor") func control() { #expect(Table.line("a\u{1B}[31mb\tc\r\nd") == "a[31mb c d") }

    @Test(
        "a run in one line",
        arguments: [
            (
                Run(id: "r", state: "RUNNING", counts: .init(total: 40, passed: 10, failed: 1, errored: 1, skipped: 0, pending: 28)),
                "running  12 of 40 · 10 passed · 2 failed · 1:05"
            ),
            (
                Run(id: "r", state: "RUNNING", counts: .init(total: 7, passed: 6, failed: 0, errored: 0, skipped: 1, pending: 0)),
                "running  7 results · 6 passed · 0 failed · 1 skipped · 1:05"
            ),
            (Run(id: "r", state: "QUEUED"), "queued  1:05"),
        ])
    func progress(run: Run, line: String) { #expect(ProgressDisplay.line(run, elapsed: 65) == line) }

    @Test("results become a report that readers of JUnit take")
    func junit() throws {
        var junit = JUnitText()
        var text = JUnitText.head
        text += junit.add(TestResult(id: "1", name: "a \"b\" <c>", outcome: "PASSED", suiteName: "s", className: "x.Y", durationUs: 1_500))
        text += junit.add(TestResult(id: "2", name: "n", outcome: "FAILED", suiteName: "s", message: "line\n2\u{0}", type: "Error"))
        text += junit.add(TestResult(id: "3", name: "m", outcome: "SKIPPED", suiteName: "t"))
        text += junit.end()
        #expect(
            text == """
                <?xml version="1.0" encoding="UTF-8"?>
                <testsuites>
                  <testsuite name="s">
                    <testcase name="a &quot;b&quot; &lt;c&gt;" classname="x.Y" time="0.001500"/>
                    <testcase name="n"><failure message="line&#10;2\u{FFFD}" type="Error"/></testcase>
                  </testsuite>
                  <testsuite name="t">
                    <testcase name="m"><skipped/></testcase>
                  </testsuite>
                </testsuites>

                """)
        #expect(JUnitText().end() == "</testsuites>\n")
    }

    @Test("a comparison in a table and a line")
    func comparison() {
        let differences = [
            Comparison.Difference(kind: "NEW_FAILURE", name: "adds", suiteName: "s", base: .init(outcome: "PASSED"), run: .init(outcome: "FAILED")),
            Comparison.Difference(
                kind: "SLOWER", name: "waits", className: "x.Y", base: .init(outcome: "PASSED", durationUs: 200_000),
                run: .init(outcome: "PASSED", durationUs: 1_500_000)),
            Comparison.Difference(kind: "REMOVED", name: "gone", base: .init(outcome: "SKIPPED")),
        ]
        #expect(
            CompareCommand.table(differences).text() == """
                CHANGE       BEFORE   NOW           SECONDS  TEST
                new failure  passed   failed                 s › adds
                slower       passed   passed  0.200 → 1.500  x.Y › waits
                removed      skipped  –                      gone
                """)
        #expect(Comparison.Summary(newFailures: 1, stillFailing: 0, fixed: 2, unchanged: 412).line == "1 new failure, 2 fixed, 412 unchanged")
        #expect(Comparison.Summary().line == "There are no tests in either run.")
        #expect(Comparison.Kind.newFailure.wireName == "NEW_FAILURE")
    }
}
