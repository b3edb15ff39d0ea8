import Foundation
import Testing

@testable import ValidationService

@Suite("secrets in lines of logs")
struct LineSecretsTests {
    private static let masked: [(String, String)] = [
        (#"{\"password\":\"hunter2\",\"a\":1}"#, #"{\"password\":\"***\",\"a\":1}"#),
        (#"{"password":"a\"b\\","c":1}"#, #"{"password":"***","c":1}"#),
        (#"{\"secret\":\"a\\\"b\",\"c\":1}"#, #"{\"secret\":\"***\",\"c\":1}"#),
        (#"{\\\"token\\\": \\\"x\\\"}"#, #"{\\\"token\\\": \\\"***\\\"}"#),
        (#":token=>"abc", :a=>1"#, #":token=>"***", :a=>1"#),
        (#"Authorization: Digest a="b", c="d""#, "Authorization: ***"),
        ("Proxy-Authorization: Basic YTpi YTpi", "Proxy-Authorization: Basic ***"),
        ("Set-Cookie: id=1; Path=/; HttpOnly", "Set-Cookie: ***"),
        (#"> Cookie: a="b"; session=c"#, "> Cookie: ***"),
        (#"Cookie: "a"; b=c"#, "Cookie: ***"),
        (#"cookie=a="b"; c=d"#, "cookie=***"),
        (#"cookie="a=b; c" status=200"#, #"cookie="***" status=200"#),
        (#"{"Cookie":"a=b; c=d","e":1}"#, #"{"Cookie":"***","e":1}"#),
        ("sent Bearer abc/def~ghi+jkl== on", "sent Bearer *** on"),
        ("x --api-token 'a b' c", "x --api-token '***' c"),
        (#"["--token", "abc", "d"]"#, #"["--token", "***", "d"]"#),
        ("--db-password=x y", "--db-password=*** y"),
        (
            #"{"key":"-----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----"}"#,
            #"{"key":"-----BEGIN EC PRIVATE KEY-----***-----END EC PRIVATE KEY-----"}"#
        ),
        ("-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----***"),
        (#"{"SecretAccessKey": "wJalr/x", "a": 1}"#, #"{"SecretAccessKey": "***", "a": 1}"#),
        ("secretKey: abc x", "secretKey: *** x"),
        ("SECRET_KEY=abc x", "SECRET_KEY=*** x"),
        ("SECRET_KEY_BASE=abc x", "SECRET_KEY_BASE=*** x"),
        ("--secret-key abc x", "--secret-key *** x"),
        ("privateKey: abc x", "privateKey: *** x"),
        ("private-key=abc x", "private-key=*** x"),
        ("access-key=abc x", "access-key=*** x"),
        (#"config["password"] = "x" + y"#, #"config["password"] = "***" + y"#),
        ("ENV['API_TOKEN']='x'", "ENV['API_TOKEN']='***'"),
        (
            "PRIVATE_KEY=-----BEGIN PRIVATE KEY-----MIIx-----END PRIVATE KEY----- x",
            "PRIVATE_KEY=-----BEGIN PRIVATE KEY-----***-----END PRIVATE KEY----- x"
        ),
    ]

    @Test("what encloses a secret tells where it ends", arguments: masked)
    func forms(line: String, masked: String) {
        #expect(LineSecrets.masked(Array(line.utf8)) == masked)
    }

    @Test(
        "what has no value shows none",
        arguments: [
            "--token --verbose", "--password", "--max-tokens 5", "a -- token b", "password=", "token: \"", "-----BEGIN CERTIFICATE-----",
            "-----END PRIVATE KEY-----", "-----", #"password\"#, #"["--token"] x"#, "accessKeyId: x", "max_tokens=5", "secretName: x",
        ])
    func harmless(line: String) {
        #expect(LineSecrets.masked(Array(line.utf8)) == nil)
    }

    private let key = ["-----BEGIN RSA PRIVATE KEY-----"] + (0..<30).map { "MIIEpQIBAAKCAQEA/secret\($0)" } + ["-----END RSA PRIVATE KEY-----"]
    private let mark = "-----BEGIN RSA PRIVATE KEY-----***"

    private func samples(_ lines: [String]) -> [String] {
        let digest = LogDigest(Array(lines.joined(separator: "\n").utf8))
        #expect(digest.lines == Int64(lines.count))
        let found = digest.found.reduce(0) { $0 + $1.lines }
        #expect(digest.lines == found + digest.wordless)
        return digest.found.map(\.sample)
    }

    @Test("a private key is one masked line, also where a piece begins or ends within it, and one without an end is looked for in 200 lines")
    func keys() {
        #expect(samples(["before"] + key + ["after"]) == ["before", mark, "after"])
        #expect(samples(["before"] + key.dropLast()) == ["before", mark])
        #expect(samples(key.suffix(9) + ["after"]) == ["after"])
        #expect(samples(key.map { "10:00:01 INFO " + $0 } + key + ["after"]) == ["10:00:01 INFO " + mark, mark, "after"])
        let unclosed = samples([key[0]] + Array(repeating: "line", count: 200) + ["the rest", "line"])
        #expect(unclosed == [mark, "the rest", "line"])
        let words = Array(repeating: "a line", count: 300)
        #expect(samples(words + key.suffix(1)) == ["a line", "-----END RSA PRIVATE KEY-----"])
        // On one line that is read in part only.
        let long = "{\"key\":\"" + key[0] + String(repeating: "secret", count: 1_000) + key[31] + "\"}"
        #expect(samples([long, "after"]) == ["{\"key\":\"" + mark, "after"])
        #expect(samples(["-----BEGIN CERTIFICATE-----", "MIIC/x", "PRIVATE KEY"]).count == 3)
    }

    @Test("a key that begins on the line on which something else ends is hidden as well")
    func sharedLines() {
        func isHidden(_ lines: [String]) -> Bool {
            let seen = samples(lines + ["after"])
            return seen.last == "after" && !seen.contains { $0.contains("secret") || $0.contains("dGFpbA") }
        }
        let (head, end) = (key[0], key[31])
        let body: [String] = Array(key[1...30]) + ["dGFpbA==", end]
        let (certificate, certificateEnd) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----")
        #expect(isHidden([certificate, "MIIC/x", "\(certificateEnd)\(head)"] + body))
        #expect(isHidden([head, key[1], "\(end)\(head)"] + body))
        #expect(isHidden([#"\#(certificate)\nMIIC/x\n\#(certificateEnd)\n\#(head)\nsecret"#] + body))
        #expect(isHidden(["\(head)secret\(end)\(head)secret"] + body))
        #expect(isHidden(["\(certificate)MIIC/x\(certificateEnd)\(head)secret\(end)"]))
        // Behind what is read of a line.
        #expect(isHidden([String(repeating: "word ", count: 1_000) + head] + body))
    }

    @Test("behind a message that names the head of a key, and between the lines of one, all is seen that is no key")
    func otherLines() {
        let trace = [
            "java.lang.IllegalArgumentException: no key", "    at com.acme.Keys.read(Keys.java:12)", "Caused by: connection refused",
            "Error: no route to host", "2 tests failed, see above",
        ]
        let error = "ERROR key must start with \(key[0])"
        let seen: [String] = ["\(error)***"] + trace
        let body = Array(key[1...30])
        #expect(samples([error] + trace + ["}"]) == seen)
        #expect(samples([error, error] + trace) == seen)
        #expect(samples([error] + body + trace) == seen)
        let parts = [
            key[0], "Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-128-CBC,00FF", key[1], "worker 2 is ready", key[2], "dGFpbA==", key[31], "after",
        ]
        #expect(samples(parts) == [mark, "worker 2 is ready", "after"])
        // With what the log writes before each line, and around it.
        let logged = parts.map { "10:00:01 INFO \($0)" }
        #expect(samples(logged) == ["10:00:01 INFO \(mark)", "10:00:01 INFO worker 2 is ready", "10:00:01 INFO after"])
        let json = [key[0], key[1], "dGFpbA==", "it failed at last", key[31], "after"].map { #"{"message":"\#($0)"}"# }
        #expect(Array(samples(json).dropFirst()) == [json[3], json[5]])
    }

    @Test(
        "a line of nothing but beginnings of secrets takes no longer than another",
        arguments: ["--token", "token", "password ", "://", "-----BEGIN ", "\\\""])
    func linear(part: String) {
        func time(_ count: Int) -> Duration {
            let line = Array(String(repeating: part, count: count).utf8)
            return ContinuousClock().measure { _ = LineSecrets.masked(line) }
        }
        _ = time(100)
        #expect(time(40_000) < max(time(4_000) * 40, .milliseconds(400)))
    }
}
