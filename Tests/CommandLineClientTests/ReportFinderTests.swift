import Foundation
import TestSupport
import Testing

@testable import CommandLineClient

@Suite struct ReportFinderTests {
    @Test(
        "patterns find what shells with globstar find",
        arguments: [
            ("*.xml", ["a.xml"]),
            ("**/*.xml", ["a.xml", "build/test-results/b.xml", "build/test-results/unit/c.xml"]),
            ("build/**", ["build/notes.txt", "build/test-results/b.xml", "build/test-results/unit/c.xml"]),
            ("build/*/?.xml", ["build/test-results/b.xml"]),
            ("build/**/[bc].xml", ["build/test-results/b.xml", "build/test-results/unit/c.xml"]),
            ("**/{b,c}.xml", ["build/test-results/b.xml", "build/test-results/unit/c.xml"]),
            ("{a.xml,build/notes.{txt,md}}", ["a.xml", "build/notes.txt"]),
            (".hidden/*.xml", [".hidden/d.xml"]),
            ("**/d.xml", []),
            ("build/test-results", ["build/test-results/b.xml", "build/test-results/unit/c.xml"]),
            ("a.xml", ["a.xml"]),
            ("nothing.xml", []),
            ("**/.git/*.xml", []),
        ])
    func patterns(pattern: String, expected: [String]) throws {
        let program = try Self.tree()
        defer { program.remove() }
        let root = program.folder.path
        // As absolute paths, because tests share one working folder.
        let absolute = pattern.hasPrefix("{") ? "\(root)/\(pattern)" : "\(root)/\(pattern)"
        #expect(try ReportFinder().find([absolute]).map { String($0.dropFirst(root.count + 1)) } == expected)
    }

    @Test("files of several patterns are there once; what was not written since then is left out")
    func changed() throws {
        let program = try Self.tree()
        defer { program.remove() }
        let root = program.folder.path
        let old = program.folder.appending(path: "a.xml").path
        try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSinceNow: -60)], ofItemAtPath: old)
        var finder = ReportFinder()
        #expect(try finder.find(["\(root)/a.xml", "\(root)/*.xml", "\(root)/**/a.xml"]) == [old])
        finder.changedSince = Date(timeIntervalSinceNow: -10)
        #expect(try finder.find(["\(root)/a.xml", "\(root)/*.xml"]).isEmpty)
        #expect(try finder.find(["\(root)/**/*.xml"]).count == 2)
    }

    @Test("links are followed to files where that is wanted, and to folders only where a pattern begins")
    func links() throws {
        let program = try Self.tree()
        defer { program.remove() }
        let root = program.folder.path
        try FileManager.default.createSymbolicLink(atPath: "\(root)/link", withDestinationPath: "\(root)/build")
        try FileManager.default.createSymbolicLink(atPath: "\(root)/l.xml", withDestinationPath: "\(root)/a.xml")
        #expect(try ReportFinder().find(["\(root)/link/**/c.xml"]).count == 1)
        #expect(try ReportFinder().find(["\(root)/**/c.xml"]).count == 1)
        #expect(try ReportFinder().find(["\(root)/*.xml"]).count == 2)
        var finder = ReportFinder()
        finder.followsLinks = false
        #expect(try finder.find(["\(root)/*.xml"]).count == 1)
    }

    @Test("a pattern that can match no file is wrong usage", arguments: ["build/", "a{b", String(repeating: "{a,b}", count: 8)])
    func wrong(pattern: String) { #expect(throws: ClientFailure.self) { _ = try Glob.parse(pattern) } }

    @Test(
        "reports are found where tools put them",
        arguments: [
            "module/target/surefire-reports/TEST-a.B.xml", "target/failsafe-reports/TEST-a.IT.xml", "app/build/test-results/test/TEST-x.xml",
            "junit.xml",
            "web/junit-unit.xml", "test-results/e2e/results.xml", "src/TestResults/run.trx", "ctrf/ctrf-report.json", "allure-results/1-result.json",
        ])
    func wellKnown(path: String) throws {
        let program = try AssayProgram()
        defer { program.remove() }
        try program.write("x", to: path)
        try program.write("x", to: "node_modules/dependency/\(path)")
        var finder = ReportFinder()
        finder.skipping = ReportFinder.foreign
        #expect(try finder.find(ReportFinder.wellKnown.map { "\(program.folder.path)/\($0)" }) == ["\(program.folder.path)/\(path)"])
    }

    private static func tree() throws -> AssayProgram {
        let program = try AssayProgram()
        for path in [
            "a.xml", "build/notes.txt", "build/test-results/b.xml", "build/test-results/unit/c.xml", ".hidden/d.xml", ".git/e.xml",
        ] { try program.write("x", to: path) }
        return program
    }
}
