import Foundation
import TestSupport
import Testing

@testable import CommandLineClient

@Suite struct ClientConfigTests {
    @Test("flags win over the environment, and that over what login stored")
    func order() {
        let stored = ClientConfig(url: "https://stored", apiKey: "stored", project: "stored")
        let environment = ClientConfig(environment: ["ASSAY_API_KEY": "environment", "ASSAY_PROJECT": "environment", "ASSAY_URL": ""])
        let said = ClientConfig(project: "said")
        #expect(said.over(environment).over(stored) == ClientConfig(url: "https://stored", apiKey: "environment", project: "said"))
    }

    @Test("what login stores is read back, and for its owner only")
    func stored() throws {
        let program = try AssayProgram()
        defer { program.remove() }
        let surroundings = Surroundings(environment: ["XDG_CONFIG_HOME": program.folder.path, "HOME": "/nowhere"])
        let config = ClientConfig(url: "https://assay.example.com", apiKey: "asy_ci_x", project: "shop")
        try surroundings.store(config)
        #expect(try surroundings.storedConfig() == config)
        let mode = try FileManager.default.attributesOfItem(atPath: surroundings.configFile.path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(try surroundings.forgetConfig())
        #expect(try !surroundings.forgetConfig())
        #expect(try surroundings.storedConfig() == ClientConfig())
    }

    @Test("relative XDG folders are ignored")
    func folders() {
        let surroundings = Surroundings(environment: ["XDG_CONFIG_HOME": "here", "XDG_STATE_HOME": "/state", "HOME": "/home/ann"])
        #expect(surroundings.configFile.path == "/home/ann/.config/assay/config.json")
        #expect(surroundings.outbox.path == "/state/assay/outbox")
    }

    @Test(
        "addresses are understood as people write them",
        arguments: [
            ("https://assay.example.com/", "https://assay.example.com"), ("assay.example.com", "https://assay.example.com"),
            (" http://127.0.0.1:8080 ", "http://127.0.0.1:8080"), ("https://example.com/assay/", "https://example.com/assay"),
        ])
    func addresses(given: String, expected: String) throws { #expect(try ClientConfig.checkedURL(given) == expected) }

    @Test("what is no address is wrong usage", arguments: ["", "ftp://x", "https://", "https://x?y=1"])
    func wrong(given: String) { #expect(throws: ClientFailure.self) { _ = try ClientConfig.checkedURL(given) } }

    @Test(
        "time limits",
        arguments: [("90", 90), ("90s", 90), ("10m", 600), ("2h", 7_200), ("0", nil), ("x", nil), ("-1", nil), ("1d", nil)] as [(String, Int?)])
    func limits(text: String, seconds: Int?) { #expect(TimeLimit(text: text)?.seconds == seconds) }
}
