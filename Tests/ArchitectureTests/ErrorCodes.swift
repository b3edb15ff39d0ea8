import Foundation
import Testing

/// Every error code that is spelled anywhere is explained in Proto/Gateway/errors.json, from which pages, openapi.json and titles come.
@Suite struct ErrorCodes {
    private struct Entry: Decodable {
        let code: String
        let kind: String
    }

    /// Stop a process before it serves anybody; nobody can ask for their pages.
    private static let atStart = ["config.", "migrations.", "passwords.pepper", "redis.", "sealing.key"]

    /// Files that put codes together from parts, with what cannot be found in them by looking.
    private static let composed = [
        "Shared/Primitives/Fault.swift": [], "Services/Gateway/Domain/GatewayFaults.swift": [], "Services/Execution/Domain/ExecutionFaults.swift": [],
        "Shared/Outbound/OutboundError.swift": ["cancelled", "outbound_saturated", "timeout"], "Shared/ServiceKit/Fault+RPC.swift": ["rpc.failed"],
        "Services/Gateway/Domain/QuotaFaults.swift": ["quota_exceeded"],
    ]

    @Test("every code has its entry in the catalogue, of the same kind, and the catalogue holds no other")
    func catalogue() throws {
        for code in Self.composed.values.flatMap(\.self) where try !Self.catalogue().contains(where: { $0.code == code }) {
            Issue.record("\(code) is missing in Proto/Gateway/errors.json: explain it there and run deploy/proto")
        }
        let known = Dictionary(try Self.catalogue().map { ($0.code, $0.kind) }) { first, _ in first }
        let found = try Self.found()
        for use in found where !Self.atStart.contains(where: { use.code.hasPrefix($0) }) {
            guard let kind = known[use.code] else {
                Issue.record("\(use.path) has the code \(use.code): explain it in Proto/Gateway/errors.json and run deploy/proto")
                continue
            }
            if kind != use.kind { Issue.record("\(use.path): \(use.code) is \(use.kind), but the catalogue says \(kind)") }
        }
        for unused in Set(known.keys).subtracting(found.map(\.code)).subtracting(Self.composed.values.flatMap(\.self)).sorted() {
            Issue.record("Proto/Gateway/errors.json explains \(unused), which nothing has: remove it and run deploy/proto")
        }
    }

    @Test("a code is spelled where it can be found")
    func literal() throws {
        let call = try Regex(#"Fault\(\s*\.\w+,\s*([^"\s][^,]*),"#, as: (Substring, Substring).self)
        for file in Self.files where !Self.composed.keys.contains(file.path) {
            for match in file.lines.joined(separator: "\n").matches(of: call) {
                Issue.record("\(file.path) makes a fault with the code \(match.1): spell it, so that it can be found and explained")
            }
        }
    }

    private static func catalogue() throws -> [Entry] {
        try JSONDecoder().decode([Entry].self, from: Data(contentsOf: SourceTree.root.appending(path: "Proto/Gateway/errors.json")))
    }

    private struct Use {
        let path: String
        let kind: String
        let code: String
    }

    private static var files: [SourceTree.File] {
        (SourceTree.files("Services") + SourceTree.files("Shared")).filter { $0.path.hasSuffix(".swift") }
    }

    private static func found() throws -> [Use] {
        let fault = try Regex(#"Fault\(\s*\.`?(\w+)`?,\s*"([a-z0-9_.]+)""#, as: (Substring, Substring, Substring).self)
        let notFound = try Regex(#"[nN]otFound\(\s*"([a-z_]+)""#, as: (Substring, Substring).self)
        let unavailable = try Regex(#"unavailable\(\s*"([a-z0-9_.]+)""#, as: (Substring, Substring).self)
        // The JSON checker's codes are parts of request.….
        let json = try Regex(#"(?:fault|json)\(\s*"([a-z_]+)""#, as: (Substring, Substring).self)
        let report = try Regex(#"case \.\w+: "(report\.[a-z0-9_]+)""#, as: (Substring, Substring).self)
        var uses: [Use] = []
        for file in files {
            let text = file.lines.joined(separator: "\n")
            uses += text.matches(of: fault).map { Use(path: file.path, kind: String($0.1), code: String($0.2)) }
            uses += text.matches(of: notFound).map { Use(path: file.path, kind: "notFound", code: "\($0.1).not_found") }
            uses += text.matches(of: unavailable).map { Use(path: file.path, kind: "unavailable", code: String($0.1)) }
            if file.path.hasPrefix("Services/Gateway/HTTP") {
                uses += text.matches(of: json).map { Use(path: file.path, kind: "invalid", code: "request.\($0.1)") }
            }
            if file.name == "ReportRefusal.swift" {
                uses += text.matches(of: report).map { Use(path: file.path, kind: "invalid", code: String($0.1)) }
            }
        }
        return uses
    }
}
