import ArgumentParser
import Foundation
import FoundationNetworking
import Passwords
import TestSupport

/// What the clock tells of who has an account: failed logins of people who exist and of names that nobody has, one after the other in turns, each
/// from an address of its own. Then a flood of logins, for the memory that it takes.
struct LoginBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login", abstract: "Time of a failed login for a known and an unknown user (goal: less than 5 ms apart in the mean).")

    @Option(help: "Logins of each kind.") var logins = 1_000
    @Option(help: "Logins at once in the flood.") var flood = 500

    func run() async throws {
        let settings = [
            "ASSAY_GATEWAY_PROXIES": "127.0.0.0/8", "ASSAY_GATEWAY_ANONYMOUS_RATE": "100000000", "ASSAY_GATEWAY_ANONYMOUS_BURST": "100000000",
            "ASSAY_GATEWAY_CONNECTIONS_PER_ADDRESS": "100000",
        ]
        let hash = try await PasswordHasher().hash("the password of everybody here")
        try await Stack.with(settings: settings) { stack in
            try await stack.sql(
                """
                insert into gateway.people (id, email, name, password, email_verified_at)
                select gen_random_uuid(), 'known' || n || '@example.com', 'Known', '\(hash)', now() from generate_series(1, \(logins)) n
                """)
            let api = APIClient(url: stack.url + "/api/v1", key: "")
            var times: [String: [Double]] = [:]
            for number in 1...logins {
                // In turns, and each kind first as often as the other: what else happens on the machine happens to both.
                for kind in number.isMultiple(of: 2) ? ["known", "unknown"] : ["unknown", "known"] {
                    let address = "\(kind == "known" ? 11 : 12).\(number / 65_536).\(number / 256 % 256).\(number % 256)"
                    let start = ContinuousClock.now
                    let answer = try await login(api, "\(kind)\(number)@example.com", from: address)
                    times[kind, default: []].append((ContinuousClock.now - start) / .milliseconds(1))
                    guard answer.status == 401 else { throw BenchFailure("a wrong login answered \(answer.status): \(answer.text)") }
                }
            }
            let known = Self.mean(times["known"] ?? [])
            let unknown = Self.mean(times["unknown"] ?? [])
            Figure("login.known", known, "ms", goal: "").print()
            Figure("login.unknown", unknown, "ms", goal: "").print()
            Figure("login.difference", abs(known - unknown), "ms", goal: "<5").print()
            try await flood(stack)
        }
    }

    private func login(_ api: APIClient, _ email: String, from address: String) async throws -> APIAnswer {
        try await api.post("/auth/login", ["email": email, "password": "not the password of anybody"], headers: ["X-Forwarded-For": address])
    }

    private func request(_ stack: Stack, _ number: Int) throws -> URLRequest {
        guard let url = URL(string: stack.url + "/api/v1/auth/login") else { throw BenchFailure("there is no gateway") }
        var request = URLRequest(url: url, timeoutInterval: 60)
        request.httpMethod = "POST"
        request.httpBody = Data(#"{"email": "flood\#(number)@example.com", "password": "not the password of anybody"}"#.utf8)
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        request.setValue("13.0.\(number / 256).\(number % 256)", forHTTPHeaderField: "X-Forwarded-For")
        return request
    }

    /// All at once: four are hashed at a time on two cores, sixty-four wait, the rest is told to come again.
    private func flood(_ stack: Stack) async throws {
        let before = try await stack.residentMebibytes("gateway")
        let start = ContinuousClock.now
        let configuration = URLSessionConfiguration.ephemeral
        configuration.httpMaximumConnectionsPerHost = flood
        let session = URLSession(configuration: configuration)
        let statuses = await withTaskGroup(of: Int.self) { group in
            for number in 0..<flood {
                guard let request = try? request(stack, number) else { continue }
                group.addTask { ((try? await session.data(for: request))?.1 as? HTTPURLResponse)?.statusCode ?? 0 }
            }
            return await group.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        Figure("login.flood", Double(flood) / seconds, "1/s", goal: "").print()
        Figure("login.flood.refused", Double(statuses[503] ?? 0), "", goal: ">0").print()
        Figure("login.flood.failures", Double(flood - (statuses[503] ?? 0) - (statuses[401] ?? 0)), "", goal: "0").print()
        Figure("login.flood.memory", try await stack.residentMebibytes("gateway") - before, "MiB", goal: "<=200").print()
    }

    private static func mean(_ values: [Double]) -> Double { values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count) }
}
