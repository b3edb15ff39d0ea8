import Foundation
import Mustache

/// All templates, compiled once when the process starts: a mistake in one of them ends the start, not a request.
struct PageTemplates: Sendable {
    private let library: MustacheLibrary

    /// - Throws: `PageTemplateError` naming the file that is wrong or missing.
    init(folder: URL) throws {
        _ = HTMLText.register
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        var templates: [String: MustacheTemplate] = [:]
        for file in files where file.pathExtension == "mustache" {
            let name = file.deletingPathExtension().lastPathComponent
            var text = try String(contentsOf: file, encoding: .utf8)
            guard !text.contains("{{{"), !text.contains("{{&") else {
                throw PageTemplateError(template: name, reason: "holds an unescaped variable; nothing that users wrote may reach a page like that")
            }
            // An editor's last newline would become a space between a badge and what follows.
            if text.hasSuffix("\n") { text.removeLast() }
            do {
                templates[name] = try MustacheTemplate(string: "{{% CONTENT_TYPE: \(HTMLText.name)}}" + text)
            } catch {
                throw PageTemplateError(template: name, reason: "\(error)")
            }
        }
        for name in PageName.allCases where templates[name.rawValue] == nil {
            throw PageTemplateError(template: name.rawValue, reason: "is missing")
        }
        library = MustacheLibrary(templates: templates)
    }

    func html<View: Sendable>(_ name: PageName, frame: PageFrame, view: View) -> String {
        library.render(PageValue(Root(frame: frame, page: view)), withTemplate: name.rawValue) ?? ""
    }

    /// Two names, so that nothing of a page can stand in for what its frame lacks.
    private struct Root<View> {
        let frame: PageFrame
        let page: View
    }
}

/// The templates that are pages; the others are parts of them.
enum PageName: String, CaseIterable, Sendable {
    case signIn = "sign-in"
    case problem
    case projects
    case project
    case run
    case compare
    case baselineComparison = "baseline-comparison"
    case setComparison = "set-comparison"
    case result
    case test
    case tests
    case triage
    case failureGroup = "failure-group"
    case trends
    case levelChanges = "level-changes"
    case flaky
    case grid
    case suites
    case secrets
    case secret
    case rules
    case rule
    case ruleEditions = "rule-editions"
    case judgings
    case lessons
    case quarantine
    case quarantinedTest = "quarantined-test"
    case baselines
    case regressions
    case regression
    case receipt
    case retries
    case retryPlan = "retry-plan"
    case runRegressions = "run-regressions"
    case runLogs = "run-logs"
    case logPatterns = "log-patterns"
    case logPattern = "log-pattern"
    case incidents
    case incident
    case deliveries
    case door
    case account
    case members
    case invitation
    case admin
    case docs
    case errors
    case error
}

/// A template that cannot be used; a mistake of ours that the first start shows.
struct PageTemplateError: Error, CustomStringConvertible {
    let template: String
    let reason: String

    var description: String { "template \(template): \(reason)" }
}
