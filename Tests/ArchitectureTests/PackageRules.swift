import Foundation
import ServiceKit
import Testing

/// The repository's shape beyond single files.
@Suite struct PackageRules {
    @Test("the top level holds what the plan has room for, and nothing else")
    func topLevel() throws {
        let allowed: Set = [
            "Package.swift", "README.md", "compose.yaml", "Services", "Shared", "Proto", "Tests", "deploy", "LICENSE", "CHANGELOG.md",
        ]
        for name in try FileManager.default.contentsOfDirectory(atPath: SourceTree.root.path) where !name.hasPrefix(".") && name != "Package.resolved"
        {
            #expect(allowed.contains(name), "\(name) has no room at the top level")
        }
    }

    @Test("Package.swift stays under 200 lines")
    func manifest() throws {
        let text = try String(contentsOf: SourceTree.root.appending(path: "Package.swift"), encoding: .utf8)
        #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count < 200)
    }

    @Test("the call graph that servers hold their callers against is the one in Package.swift")
    func callGraph() throws {
        let text = try String(contentsOf: SourceTree.root.appending(path: "Package.swift"), encoding: .utf8)
        var declared: [String: Set<String>] = [:]
        for match in text.matches(of: /service\(\s*"(\w+)", calls: \[([^\]]*)\]/) {
            declared[match.output.1.lowercased()] = Set(match.output.2.matches(of: /\w+/).map { $0.output.lowercased() })
        }
        declared["gateway"]?.insert("gateway")
        #expect(declared == CallGraph.calls, "make Shared/ServiceKit/CallGraph.swift and the services in Package.swift agree")
    }

    @Test("every script under deploy says how it is used")
    func scripts() throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: SourceTree.root.appending(path: "deploy").path) {
            let path = SourceTree.root.appending(path: "deploy/\(name)").path
            guard !name.contains("."), FileManager.default.isExecutableFile(atPath: path),
                let text = try? String(contentsOfFile: path, encoding: .utf8)
            else {
                continue
            }
            #expect(text.contains("# usage: deploy/\(name)"), "deploy/\(name) has no usage line")
        }
    }

    @Test("only the gateway publishes a port, and compose names the services, ports and settings that there are")
    func compose() throws {
        let text = try String(contentsOf: SourceTree.root.appending(path: "compose.yaml"), encoding: .utf8)
        let dockerfile = try String(contentsOf: SourceTree.root.appending(path: "deploy/docker/Dockerfile"), encoding: .utf8)
        let blocks = serviceBlocks(text)
        for (index, service) in HouseRules.services.map({ $0.lowercased() }).enumerated() {
            let block = try #require(blocks[service], "compose.yaml has no service \(service)")
            #expect(block.contains("assay-\(service)"), "service \(service) does not run assay-\(service)")
            #expect(
                block.contains("ASSAY_\(service.uppercased())_LISTEN: 0.0.0.0:\(7100 + index)"), "\(service) listens elsewhere than its default port")
            #expect(block.contains("ports:") == (service == "gateway"), "only the gateway publishes a port; look at \(service)")
            #expect(dockerfile.contains("assay-\(service)"), "the image lacks assay-\(service)")
        }
        let known = try knownSettings()
        for name in text.matches(of: /ASSAY_[A-Z_]+(?=:)/).map({ String($0.output) }) where name != "ASSAY_PORT" {
            #expect(known.contains(name), "compose.yaml sets \(name), which no configuration reads")
        }
    }

    /// `services:` of a compose file, by name. Enough of YAML for a file of ours: two spaces an indent.
    private func serviceBlocks(_ text: String) -> [String: String] {
        var blocks: [String: String] = [:]
        var name: String?
        var inServices = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.first.map({ $0 != " " && $0 != "#" }) == true { inServices = line == "services:"; name = nil; continue }
            guard inServices else { continue }
            if line.hasPrefix("  "), !line.hasPrefix("   "), line.hasSuffix(":") {
                name = line.trimmingCharacters(in: CharacterSet(charactersIn: " :"))
            } else if let name {
                blocks[name, default: ""] += line + "\n"
            }
        }
        return blocks
    }

    /// Every setting that a …Config reads or documents, as an environment variable: `<name>.pool.size` is one for each service.
    private func knownSettings() throws -> Set<String> {
        var known: Set<String> = []
        for file in SourceTree.sources where file.name.contains("Config") {
            for match in file.lines.joined(separator: "\n").matches(of: /[`"]([a-z<>]+(?:\.[a-z]+)+)[`"]/) {
                for service in HouseRules.services.map({ $0.lowercased() }) {
                    let key = String(match.output.1).replacing("<name>", with: service).replacing("<service>", with: service)
                    let variable = "ASSAY_" + key.uppercased().replacing(".", with: "_")
                    known.formUnion([variable, variable + "_FILE"])
                }
            }
        }
        return known
    }
}
