import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Primitives

/// Style, scripts and the icon: read once, served from memory under an address that holds their digest, so that browsers may keep them.
struct PageAssets: Sendable {
    /// Addresses that pages link to.
    struct Paths: Sendable {
        let style: String
        let icon: String
        let script: String
        let live: String
        let trend: String
        let grid: String
        let triage: String
        let progress: String
        /// `nil` where Chart.js is not installed; the chart is drawn by the server then.
        let chart: String?
    }

    struct File: Sendable {
        let mediaType: String
        let bytes: ByteBuffer
        let tag: String
    }

    let paths: Paths
    let files: [String: File]

    /// - Parameters:
    ///   - folder: our own files; one that is missing is an error.
    ///   - chart: where Chart.js is; Debian's libjs-chart.js puts it there.
    init(folder: URL, chart: URL, logger: Logger) throws {
        var files: [String: File] = [:]
        func add(_ name: String, _ type: String, _ url: URL) throws -> String {
            let data = try Data(contentsOf: url)
            let tag = SHA256.hash(data: data).prefix(6).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            files[name] = File(mediaType: type, bytes: ByteBuffer(bytes: data), tag: tag)
            return "/assets/\(name)?\(tag)"
        }
        func own(_ name: String, _ type: String) throws -> String { try add(name, type, folder.appending(path: name)) }
        var chartPath: String?
        do {
            chartPath = try add("chart.js", "text/javascript; charset=utf-8", chart)
        } catch {
            logger.notice("Chart.js is not there; trends are drawn by the server", metadata: ["path": "\(chart.path)"])
        }
        paths = Paths(
            style: try own("site.css", "text/css; charset=utf-8"), icon: try own("icon.svg", "image/svg+xml"),
            script: try own("site.js", "text/javascript; charset=utf-8"), live: try own("live.js", "text/javascript; charset=utf-8"),
            trend: try own("trend.js", "text/javascript; charset=utf-8"), grid: try own("grid.js", "text/javascript; charset=utf-8"),
            triage: try own("triage.js", "text/javascript; charset=utf-8"), progress: try own("progress.js", "text/javascript; charset=utf-8"),
            chart: chartPath
        )
        self.files = files
    }

    func respond(_ context: PageContext) throws(Fault) -> Response {
        guard let file = files[try context.parameter("name")] else { throw .routeNotFound }
        // Only the address with the right digest never changes its meaning.
        let isPinned = context.exchange.target.rawQuery == file.tag
        let headers: HTTPFields = [
            .contentType: file.mediaType, .eTag: "\"\(file.tag)\"",
            .cacheControl: isPinned ? "public, max-age=31536000, immutable" : "public, no-cache",
            .crossOriginResourcePolicy: "same-origin",
        ]
        if context.exchange.head.ifNoneMatch == "\"\(file.tag)\"" { return Response(status: .notModified, headers: headers) }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: file.bytes))
    }
}
