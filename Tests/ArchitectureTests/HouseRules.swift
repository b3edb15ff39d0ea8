import Foundation
import Testing

/// The rules of the house, each failing with what to do.
@Suite struct HouseRules {
    static let services = ["Gateway", "Scheduling", "Execution", "Validation", "Analytics", "Projects", "Notifications"]

    @Test("no file is longer than 400 lines")
    func length() {
        for file in SourceTree.sources where file.lines.count > 400 {
            Issue.record("\(file.path) has \(file.lines.count) lines; the limit is 400: split it along what it does")
        }
    }

    @Test("no name is one that says nothing")
    func names() {
        let banned = ["Common", "Core", "Util", "Utils", "Helper", "Helpers", "Manager", "Impl", "Base", "Misc", "Extensions"]
        for file in SourceTree.sources {
            let parts = file.path.split(separator: "/").map { $0.replacing(".swift", with: "") }
            for part in parts where part != "Common" || !file.path.hasPrefix("Proto/Common") {
                for word in banned where part == word || part.hasSuffix(word) && word != "Base" && word != "Core" && word != "Common" {
                    Issue.record("\(file.path): \"\(part)\" says nothing about what is inside; name it after what it does")
                }
            }
        }
    }

    @Test("a service imports contracts only to its right in the call order", arguments: services)
    func callOrder(service: String) {
        let allowed = Set(Self.services.drop { $0 != service }.map { "\($0)API" } + ["CommonAPI", "HealthAPI", "AuditAPI"])
        for file in SourceTree.files("Services/\(service)") {
            for module in imports(of: file) where module.hasSuffix("API") && !allowed.contains(module) {
                Issue.record("\(file.path) imports \(module): \(service) may call only \(allowed.sorted().joined(separator: ", "))")
            }
            for module in imports(of: file) where module.hasSuffix("Service") {
                Issue.record("\(file.path) imports \(module): services are strangers; go through its contract")
            }
        }
    }

    @Test("the domain imports Foundation and Primitives only")
    func domain() {
        // Crypto computes digests and codes, Patterns looks for what users wrote: as pure as arithmetic.
        let allowed: Set = ["Foundation", "Primitives", "Crypto", "CryptoExtras", "Patterns"]
        for file in SourceTree.files("Services") where file.path.contains("/Domain/") {
            for module in imports(of: file) where !allowed.contains(module) {
                Issue.record("\(file.path) imports \(module): move what needs it to Store, RPC or Workers and pass values in")
            }
        }
    }

    @Test("an option of TCP is set at the level of TCP")
    func tcpOptions() {
        // At the level of sockets the number of TCP_NODELAY is that of SO_DEBUG, which only root may set: nothing would connect for anybody else.
        for file in SourceTree.sources where !file.path.hasPrefix("Tests/ArchitectureTests") {
            for (number, line) in file.lines.enumerated() where line.contains("socketOption(.tcp_") {
                Issue.record("\(file.path):\(number + 1) sets a TCP option with socketOption: use tcpOption")
            }
        }
    }

    @Test("a code that has an HTTP status of its own is one that some service has")
    func statusCodes() throws {
        let problem = try #require(SourceTree.sources.first { $0.path.hasSuffix("Gateway/HTTP/Problem.swift") })
        let others = SourceTree.sources.filter { $0.path != problem.path && !$0.path.hasPrefix("Tests/") }.map { $0.lines.joined(separator: "\n") }
        let code = try Regex(#""([a-z_]+\.[a-z_]+)""#, as: (Substring, Substring).self)
        for line in problem.lines {
            for match in line.matches(of: code) {
                let name = match.1
                // Those of JSON are put together from their last part.
                let spellings = name.hasPrefix("request.") ? [name, name.dropFirst("request.".count)] : [name]
                let isKnown = others.contains { text in spellings.contains { text.contains("\"\($0)\"") } }
                if !isKnown { Issue.record("\(problem.path) gives \(name) a status, but nothing has that code: spell it as the service does") }
            }
        }
    }

    @Test("SQL lives in stores and schemas")
    func sql() throws {
        let statement = try Regex(#"(?i)^\s*"?(select .+ from|insert into|update \w+ set|delete from) "#)
        for file in SourceTree.files("Services") where !file.path.contains("/Store/") {
            for (number, line) in file.lines.enumerated() where line.contains(statement) {
                Issue.record("\(file.path):\(number + 1) holds SQL: move it to the aggregate's Store")
            }
        }
    }

    @Test("wire types stay in RPC, workers and the gateway's edge")
    func wireTypes() throws {
        let wire = try Regex(#"\bPB[A-Z][a-zA-Z]+"#)
        for file in SourceTree.files("Services") where file.path.contains("/Domain/") || file.path.contains("/Store/") {
            for (number, line) in file.lines.enumerated() where line.contains(wire) {
                Issue.record("\(file.path):\(number + 1) mentions a wire type: convert in RPC/…+Proto.swift and pass the value")
            }
        }
    }

    @Test("the environment is read by configuration only")
    func environment() {
        for file in SourceTree.files("Services") + SourceTree.files("Shared") where !file.name.hasSuffix("Config.swift") {
            for (number, line) in file.code.enumerated() where line.contains("ProcessInfo.processInfo.environment") || line.contains("getenv(") {
                Issue.record("\(file.path):\(number + 1) reads the environment: declare a setting in the …Config")
            }
        }
    }

    @Test("connections to addresses that users chose are opened by Outbound only")
    func outbound() {
        // The command-line client runs on its user's own machine and calls the one server that they named.
        for file in SourceTree.files("Services") where !file.path.hasPrefix("Services/CommandLine/") {
            for module in imports(of: file) where ["COutbound", "FoundationNetworking", "AsyncHTTPClient"].contains(module) {
                Issue.record("\(file.path) imports \(module): send through Shared/Outbound, which checks every address")
            }
        }
    }

    @Test("business words do not enter Shared")
    func shared() throws {
        for service in Self.services {
            for file in SourceTree.files("Shared") {
                for module in imports(of: file) where module == "\(service)API" || module == "\(service)Service" {
                    Issue.record("\(file.path) imports \(module): mechanism must not know the business")
                }
            }
        }
    }

    @Test("nothing is public: other packages do not use us")
    func access() throws {
        let declaration = try Regex(
            #"^\s*(public|open) (actor|class|enum|extension|final|func|init|let|protocol|static|struct|subscript|typealias|var)\b"#)
        for file in SourceTree.sources {
            for (number, line) in file.code.enumerated() where line.contains(declaration) {
                Issue.record("\(file.path): line \(number + 1) of its code is public; say package")
            }
        }
    }

    @Test("tenant tables enable and force row-level security in the file that makes them")
    func rowLevelSecurity() throws {
        let creation = try Regex(#"(?im)^create table (?:if not exists )?(\w+)"#)
        for file in SourceTree.files("Services", ".sql") + SourceTree.files("Shared", ".sql") {
            let text = file.lines.joined(separator: "\n")
            for match in text.matches(of: creation) {
                let table = String(match.output[1].substring ?? "")
                for clause in ["alter table \(table) enable row level security", "alter table \(table) force row level security"]
                where !text.contains(clause) && table != "schema_migrations" {
                    Issue.record("\(file.path): table \(table) lacks \"\(clause)\"")
                }
            }
        }
    }

    @Test("code holds no unfinished business")
    func unfinished() throws {
        let marks = try Regex(#"\b(TO"# + #"DO|FIX"# + #"ME|XX"# + #"X)\b"#)
        for file in SourceTree.sources {
            for (number, line) in file.lines.enumerated() where line.contains(marks) {
                Issue.record("\(file.path):\(number + 1): do it, or file an issue and leave the comment out")
            }
        }
    }

    private func imports(of file: SourceTree.File) -> [String] {
        file.lines.compactMap { line in
            let words = line.split(separator: " ").drop { $0.hasPrefix("@") || $0 == "package" || $0 == "private" || $0 == "internal" }
            return words.first == "import" ? words.dropFirst().last.map(String.init) : nil
        }
    }
}
