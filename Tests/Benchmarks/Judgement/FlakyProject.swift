import Foundation
import TestSupport

/// Tests of one project with their outcomes in thousands of reruns, and what is made of some of them: a table with the columns
/// `Project, Test, IsFlaky, NumFailingRuns, NumPassingRuns` (Alshammari et al., FlakeFlagger, ICSE 2021).
struct FlakyProject {
    struct Test {
        let className: String
        let name: String
        let failures: Int
        let passes: Int
        var isFlaky: Bool { failures > 0 && passes > 0 }
        var fullName: String { "\(className)#\(name)" }
    }

    let name: String
    private(set) var tests: [Test] = []

    /// Every `.csv` of the folder.
    static func read(_ folder: URL) throws -> [FlakyProject] {
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil).filter { $0.pathExtension == "csv" }
        guard !files.isEmpty else { throw BenchFailure("\(folder.path) holds no .csv") }
        var projects: [String: FlakyProject] = [:]
        for file in files.sorted(by: { $0.path < $1.path }) {
            for line in try String(contentsOf: file, encoding: .utf8).split(whereSeparator: \.isNewline).dropFirst() {
                // Names of tests may hold commas: the numbers are read from the end.
                let cells = line.split(separator: ",", omittingEmptySubsequences: false)
                guard cells.count >= 5, let failures = Int(cells[cells.count - 2]), let passes = Int(cells[cells.count - 1]) else { continue }
                let test = cells[1..<cells.count - 3].joined(separator: ",").split(separator: "#", maxSplits: 1).map(String.init)
                projects[String(cells[0]), default: FlakyProject(name: String(cells[0]))].tests.append(
                    Test(className: test[0], name: test.count > 1 ? test[1] : test[0], failures: failures, passes: passes))
            }
        }
        return projects.values.sorted { $0.name < $1.name }
    }
}

/// Runs that were drawn of a project's reruns, without replacement.
struct FlakyDraw {
    let project: FlakyProject
    let commits: [UInt64]
    /// By test, then by run.
    private(set) var passed: [[Bool]] = []
    private(set) var changes: [FlakyChange?] = []
    /// Of each test, up to how it ended. Made once: writing reports must not cost what reading them is measured by.
    private let cases: [Data]

    init(_ project: FlakyProject, _ setting: FlakySetting, runs: Int, using random: inout SeededRandom) {
        self.project = project
        cases = project.tests.map { test in
            Data("<testcase classname=\"\(Self.escaped(test.className))\" name=\"\(Self.escaped(test.name))\" time=\"0.01\"".utf8)
        }
        commits = setting.schedule(runs: runs, using: &random)
        for test in project.tests {
            var draw = test.draw(runs, using: &random)
            let change = test.failures == 0 && setting.mixesChanges ? FlakyChange.some(commits: commits, using: &random) : nil
            change?.apply(to: &draw)
            passed.append(draw)
            changes.append(change)
        }
    }

    /// - Parameter time: when the run began.
    func report(of run: Int, at time: Date) -> Data {
        var xml = Data("<testsuite name=\"\(Self.escaped(project.name))\" timestamp=\"\(time.formatted(.iso8601))\">\n".utf8)
        for (test, outcomes) in zip(cases, passed) {
            xml += test
            xml += outcomes[run] ? Self.passing : Self.failing
        }
        return xml + Data("</testsuite>\n".utf8)
    }

    private static let passing = Data("/>\n".utf8)
    private static let failing = Data("><failure message=\"expected true\"/></testcase>\n".utf8)

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("\"", with: "&quot;")
    }
}

extension FlakyProject.Test {
    fileprivate func draw(_ runs: Int, using random: inout SeededRandom) -> [Bool] {
        var left = (failures: failures, all: failures + passes)
        return (0..<runs).map { _ in
            guard left.all > 0 else { return true }
            let fails = Int.random(in: 0..<left.all, using: &random) < left.failures
            left = (left.failures - (fails ? 1 : 0), left.all - 1)
            return !fails
        }
    }
}

/// How often what was said is right.
struct FlakyScore {
    private(set) var shown = 0
    private(set) var hits = 0
    private(set) var called = 0
    private(set) var calledRightly = 0
    private(set) var broken = 0
    private(set) var brokenCalledFlaky = 0
    private(set) var changes: [String: (all: Int, right: Int)] = [:]

    var precision: Double { called == 0 ? 1 : Double(calledRightly) / Double(called) }
    var found: Double { shown == 0 ? 1 : Double(hits) / Double(shown) }

    /// - Parameter kinds: what was said, by the test's full name.
    mutating func count(_ draw: FlakyDraw, _ kinds: [String: String]) throws {
        for (index, test) in draw.project.tests.enumerated() {
            guard let kind = kinds[test.fullName] else { throw BenchFailure("nothing is known of \(test.fullName)") }
            let isCalled = kind == "FLAKY"
            if isCalled { called += 1 }
            if isCalled, test.isFlaky { calledRightly += 1 }
            if test.isFlaky, draw.passed[index].contains(true), draw.passed[index].contains(false) {
                shown += 1
                hits += isCalled ? 1 : 0
            }
            if test.passes == 0 {
                broken += 1
                brokenCalledFlaky += isCalled ? 1 : 0
            }
            if let change = draw.changes[index] {
                changes[change.kind.rawValue, default: (0, 0)].all += 1
                changes[change.kind.rawValue, default: (0, 0)].right += change.expected == kind ? 1 : 0
            }
        }
    }
}
