import ArgumentParser
import Foundation

/// `assay badge`
struct BadgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "badge", abstract: "What to put into a README for a badge of the project.",
        discussion: "Whoever sees the badge sees how the newest run ended, without a key. Making another token (POST …/badge-token) ends all badges.")

    enum Metric: String, ExpressibleByArgument, CaseIterable { case status, passrate, tests }

    enum Form: String, ExpressibleByArgument, CaseIterable { case markdown, html, url }

    @Option(help: "status, passrate or tests.")
    var metric = Metric.status

    @Option(help: "Of this branch; without it of main or master, else of any.")
    var branch: String?

    @Option(help: "Left half of the badge.")
    var label: String?

    @Option(help: "markdown, html or url.")
    var format = Form.markdown

    @OptionGroup var server: ServerOptions

    func run() async throws {
        let surroundings = Surroundings.current
        let config = try server.config(surroundings)
        let project = try config.namedProject()
        let (made, url) = try await APIConnection.with(config) { connection in
            (try await connection.get(Token.self, "/api/v1/projects/\(project.percentEncoded)/badge-token"), connection.url)
        }
        Console(surroundings).say(text(of: made, at: url))
    }

    struct Token: Decodable {
        let project: String
        let token: String
        let url: String
    }

    /// - Parameter url: of the server, for the link behind the badge.
    func text(of made: Token, at url: String) -> String {
        var image = made.url.replacing("/status.svg?", with: "/\(metric.rawValue).svg?")
        if let branch { image += "&branch=\(branch.percentEncoded)" }
        if let label { image += "&label=\(label.percentEncoded)" }
        let link = "\(url)/projects/\(made.project)"
        return switch format {
        case .url: image
        case .markdown: "[![tests](\(image))](\(link))"
        case .html: "<a href=\"\(link)\"><img src=\"\(image.replacing("&", with: "&amp;"))\" alt=\"tests\"></a>"
        }
    }
}
