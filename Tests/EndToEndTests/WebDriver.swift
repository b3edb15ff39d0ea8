import Foundation
import TestSupport
import Testing

/// A browser without a screen, driven over W3C WebDriver (https://www.w3.org/TR/webdriver2/) as Debian's chromium-driver speaks it.
final class WebDriver: Sendable {
    static let driver = "/usr/bin/chromedriver"

    private let port: Int
    /// Path of the session, under which all its commands are.
    private let session: String

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Runs `body` with a fresh browser whose window has the given size.
    static func with(width: Int = 1280, height: Int = 900, _ body: (WebDriver) async throws -> Void) async throws {
        guard FileManager.default.isExecutableFile(atPath: driver) else {
            throw Failure(description: "there is no \(driver): apt install chromium chromium-driver")
        }
        let port = FreePort.next()
        let process = Process()
        process.executableURL = URL(filePath: driver)
        process.arguments = ["--port=\(port)", "--silent"]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try await launch(process)
        defer { kill(process.processIdentifier, SIGKILL) }
        try await eventually(within: .seconds(20), "chromedriver answers") { try await LoopbackCall.send("GET", port: port, "/status").status == 200 }
        let options: [String: Any] = [
            // Without its own sandbox because tests run as root in containers; it visits our own pages only.
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=\(width),\(height)"]
        ]
        let wanted: [String: Any] = ["goog:chromeOptions": options, "goog:loggingPrefs": ["browser": "ALL"], "unhandledPromptBehavior": "ignore"]
        let made = try await LoopbackCall.send(
            "POST", port: port, "/session", json: JSONSerialization.data(withJSONObject: ["capabilities": ["alwaysMatch": wanted]]))
        guard let id = (made.value as? [String: Any])?["sessionId"] as? String else { throw Failure(description: "no browser: \(made.text)") }
        let browser = WebDriver(port: port, session: "/session/\(id)")
        do {
            try await body(browser)
        } catch {
            _ = try? await browser.send("DELETE", "")
            throw error
        }
        _ = try? await browser.send("DELETE", "")
    }

    /// On a thread of its own that blocks no signal: programs inherit what their maker's thread blocks, and a browser needs to hear of its children.
    private static func launch(_ process: Process) async throws {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                var none = sigset_t()
                sigemptyset(&none)
                pthread_sigmask(SIG_SETMASK, &none, nil)
                continuation.resume(with: Result { try process.run() })
            }
        }
    }

    private init(port: Int, session: String) {
        self.port = port
        self.session = session
    }

    func open(_ url: String) async throws { try await command("/url", ["url": url]) }

    func reload() async throws { try await command("/refresh") }

    var url: String { get async throws { try await send("GET", "/url").value as? String ?? "" } }

    /// The address without its origin.
    var path: String { get async throws { try await text("location.pathname") } }

    /// The value of a JavaScript expression.
    func value(_ expression: String) async throws -> Any? {
        try await command("/execute/sync", ["script": "return (\(expression))", "args": [String]()]).value
    }

    func text(_ expression: String) async throws -> String { try await value(expression) as? String ?? "" }

    func number(_ expression: String) async throws -> Int { (try await value(expression) as? NSNumber)?.intValue ?? -1 }

    /// The visible text of the whole page.
    var pageText: String { get async throws { try await text("document.body.innerText") } }

    /// Clicks the first element that matches; waits for it.
    func click(_ selector: String) async throws {
        let element = try await element(selector)
        // What a sticky header or the window's edge covers cannot be clicked.
        try await command("/execute/sync", ["script": "arguments[0].scrollIntoView({block: 'center'})", "args": [[Self.elementKey: element]]])
        try await command("/element/\(element)/click")
    }

    /// Clicks the first link or button whose text holds `words`.
    func click(link words: String) async throws {
        let quoted = "'" + words.replacing("'", with: "") + "'"
        let element = try await element("//*[self::a or self::button or self::summary][contains(normalize-space(.), \(quoted))]", using: "xpath")
        try await command("/execute/sync", ["script": "arguments[0].scrollIntoView({block: 'center'})", "args": [[Self.elementKey: element]]])
        try await command("/element/\(element)/click")
    }

    func type(_ text: String, into selector: String) async throws {
        try await command("/element/\(element(selector))/value", ["text": text])
    }

    /// Presses keys one after the other, wherever the focus is.
    func press(_ keys: String) async throws {
        let strokes = keys.flatMap { [["type": "keyDown", "value": String($0)], ["type": "keyUp", "value": String($0)]] }
        try await command("/actions", ["actions": [["type": "key", "id": "keyboard", "actions": strokes]]])
    }

    /// What WebDriver calls these keys.
    static let enter = "\u{E007}"
    static let end = "\u{E010}"

    /// A command of the browser's own protocol (https://chromedevtools.github.io/devtools-protocol/), for what WebDriver has no word.
    func develop(_ name: String, _ parameters: [String: Any]) async throws {
        try await command("/goog/cdp/execute", ["cmd": name, "params": parameters])
    }

    /// Lines of the browser's console, with those it writes about broken policies.
    func complaints() async throws -> [String] {
        let answer = try await command("/se/log", ["type": "browser"])
        let entries = answer.value as? [[String: Any]] ?? []
        return entries.filter { $0["level"] as? String == "SEVERE" || $0["level"] as? String == "WARNING" }.map { $0["message"] as? String ?? "" }
    }

    /// Whether a script has opened a window that waits for the visitor.
    func isAlerted() async throws -> Bool { try await send("GET", "/alert/text").status == 200 }

    private static let elementKey = "element-6066-11e4-a52e-4f735466cecf"

    private func element(_ selector: String, using strategy: String = "css selector") async throws -> String {
        let deadline = ContinuousClock.now + .seconds(15)
        while true {
            let found = try await send("POST", "/element", ["using": strategy, "value": selector])
            if found.status == 200, let element = (found.value as? [String: Any])?[Self.elementKey] as? String { return element }
            guard ContinuousClock.now < deadline else {
                throw Failure(description: "there is no \(selector) on \(try await url):\n\(try await pageText.prefix(1_500))")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    @discardableResult
    private func command(_ path: String, _ body: [String: Any] = [:]) async throws -> LoopbackCall.Answer {
        let answer = try await send("POST", path, body)
        guard answer.status == 200 else { throw Failure(description: "\(path): \(answer.text.prefix(1_000))") }
        return answer
    }

    private func send(_ method: String, _ path: String, _ body: [String: Any]? = nil) async throws -> LoopbackCall.Answer {
        try await LoopbackCall.send(method, port: port, session + path, json: body.map { try JSONSerialization.data(withJSONObject: $0) })
    }
}
