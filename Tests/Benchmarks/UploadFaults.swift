import ArgumentParser
import Foundation
import Logging
import Postgres
import TestSupport

/// F01 and F03 for uploads: the gateway and Execution are killed with -9 in the middle of uploads, and Analytics and Validation in the middle of what comes
/// of them, again and again, while clients send each upload under its idempotency key until it is answered. Afterwards every upload must be there once,
/// whole, and counted. A kill that no upload met does not count, and at the end the check is shown damage, which it has to see.
struct UploadFaults: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "faults", abstract: "Kills services in the middle of uploads, and checks that each upload is there exactly once.")

    @Option(help: "Kills of each service that uploads must have met.") var kills = 20
    @Option(help: "Clients at once.") var clients = 8
    @Option(help: "Which services are killed.") var service: [String] = ["execution", "gateway", "analytics", "validation"]
    @Option(help: "Of the sizes, pauses and moments; printed first, to go through the same again.") var seed: UInt64?

    /// After a kill uploads must be taken again within this (P8 of the requirements, for the gateway).
    private static let recovery = Duration.seconds(10)

    private struct Kill {
        let service: String
        let at: ContinuousClock.Instant
        let recovered: Duration
    }

    func run() async throws {
        let seed = self.seed ?? UInt64.random(in: 1...UInt64(UInt32.max))
        Figure("faults.seed", Double(seed), "", goal: "").print()
        try await Stack.with { stack in
            let api = APIClient(stack)
            let project = try await api.post("/projects", ["name": "Faults", "slug": "faults"])
            guard project.status == 201 else { throw BenchFailure("POST /projects answered \(project.status): \(project.text)") }
            // In the end everything that is stored is counted anew, and once more for each damage.
            let database = Database(
                try DatabaseConfiguration(url: stack.adminURL, poolSize: 1, statementTimeout: 600_000, searchPath: "execution"), logger: .silent)
            defer { database.close() }
            let load = UploadLoad(
                port: URL(string: stack.url)?.port ?? 0, path: "/api/v1/projects/faults/uploads", apiKey: stack.apiKey, seed: seed)
            let kills = try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<clients { group.addTask { try await load.run() } }
                let kills = try await killAll(stack, load, database, seed)
                load.stop()
                let started = ContinuousClock.now
                while load.open > 0 {
                    guard ContinuousClock.now - started < .seconds(90) else { throw BenchFailure("\(load.open) uploads are not answered after 90 s") }
                    try await Task.sleep(for: .milliseconds(50))
                }
                try await group.waitForAll()
                return kills
            }
            try await judge(load, kills, UploadCheck(database: database, receipts: load.receipts))
        }
    }

    // MARK: - Kills

    /// Half of the kills come at any moment of an upload, half when one has just been stored and its answer is on the way.
    private func killAll(_ stack: Stack, _ load: UploadLoad, _ database: Database, _ seed: UInt64) async throws -> [Kill] {
        var random = SeededRandom(seed: seed)
        var found: [Kill] = []
        let most = kills * service.count * 2
        while let victim = service.filter({ hits(of: $0, found, load) < kills }).randomElement(using: &random) {
            guard found.count < most else { throw BenchFailure("\(found.count) kills, and too few of them met an upload: nothing is shown") }
            try await until(within: .seconds(30), "three uploads are under way") { load.underWay >= 3 }
            let moment = Int.random(in: 0..<150, using: &random)
            if Bool.random(using: &random) {
                let before = try await stored(database)
                try await until(within: .seconds(30), "an upload is stored") { try await stored(database) > before }
            } else {
                try await Task.sleep(for: .milliseconds(moment))
            }
            await stack.kill(victim)
            let at = ContinuousClock.now
            try await stack.run(victim)
            try await stack.waitUntilReady(victim, within: .seconds(30))
            let back = ContinuousClock.now
            try await until(within: .seconds(30), "an upload is taken again") { load.attempts.contains { $0.isDone && $0.started > back } }
            found.append(Kill(service: victim, at: at, recovered: ContinuousClock.now - at))
        }
        return found
    }

    private func stored(_ database: Database) async throws -> Int {
        try await database.one(.system, "select count(*) as n from execution.uploads") { try $0.value("n", as: Int.self) }
    }

    /// Those that uploads go through; the others are told of them afterwards.
    private static let onTheWay: Set = ["gateway", "execution"]
    /// An upload that was answered so long ago is on its way to whoever is told, or has just been told of.
    private static let telling = Duration.seconds(1)

    /// Tries that a kill cut off, or uploads whose results it was to count.
    private func met(_ kill: Kill, _ load: UploadLoad) -> Int {
        if Self.onTheWay.contains(kill.service) { return load.attempts.count { $0.started < kill.at && $0.ended > kill.at && !$0.isDone } }
        return load.attempts.count { $0.isDone && $0.ended <= kill.at && $0.ended > kill.at - Self.telling }
    }

    private func hits(of service: String, _ kills: [Kill], _ load: UploadLoad) -> Int {
        kills.count { $0.service == service && met($0, load) > 0 }
    }

    private func until(within limit: Duration, _ what: String, _ condition: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + limit
        while try await !condition() {
            guard ContinuousClock.now < deadline else { throw BenchFailure("not within \(limit): \(what)") }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    // MARK: - Judgement

    private func judge(_ load: UploadLoad, _ kills: [Kill], _ check: UploadCheck) async throws {
        let (attempts, receipts) = (load.attempts, load.receipts)
        for service in service {
            let own = kills.filter { $0.service == service }
            Figure("faults.\(service).kills", Double(own.count), "", goal: "").print()
            Figure("faults.\(service).kills.met", Double(hits(of: service, own, load)), "", goal: ">=\(self.kills)").print()
            Figure("faults.\(service).tries.cut", Double(own.reduce(0) { $0 + met($1, load) }), "", goal: "").print()
            Figure("faults.\(service).recovered", (own.map(\.recovered).max() ?? .zero) / .seconds(1), "s at most", goal: "<=10").print()
        }
        Figure("faults.uploads", Double(receipts.count), "", goal: "").print()
        Figure("faults.results", Double(receipts.reduce(0) { $0 + $1.order.cases }), "", goal: "").print()
        Figure("faults.uploads.repeated", Double(receipts.count { $0.tries > 1 }), "", goal: ">0").print()
        // Stored, and the answer lost: between commit and reply.
        Figure("faults.uploads.stored_unanswered", Double(receipts.count(where: \.isDuplicate)), "", goal: ">0").print()
        Figure("faults.uploads.slowest", (receipts.map(\.took).max() ?? .zero) / .seconds(1), "s", goal: "<60").print()
        let answers = Dictionary(grouping: attempts.filter { !$0.isDone }) { $0.status == 0 ? $0.code : "\($0.status) \($0.code)" }
        for (answer, all) in answers.sorted(by: { $0.key < $1.key }) {
            Figure("faults.answers.\(answer)", Double(all.count), "", goal: "").print()
        }

        var problems: [String] = []
        let allowed: Set = [409, 429, 502, 503, 504]
        problems += answers.keys.filter { name in Int(name.prefix(3)).map { !allowed.contains($0) } ?? (name == "silent") }
            .map { "during the faults a client saw: \($0)" }
        problems += kills.filter { $0.recovered > Self.recovery }.map { "\($0.service) took no uploads for \($0.recovered)" }
        problems += receipts.filter { $0.took > .seconds(60) }.map { "upload \($0.order.number) took \($0.took)" }
        problems += try await check.problems(awaiting: .seconds(120))
        problems += try await repetitions(load, receipts)
        problems += try await check.blindSpots()
        // What is stored and every counter against counting anew.
        Figure("faults.wrong", Double(problems.count), "", goal: "0").print()
        for problem in problems.prefix(20) { print("WRONG\t\(problem)") }
        guard problems.isEmpty else { throw BenchFailure("\(problems.count) things are wrong; seed \(seed.map(String.init) ?? "as printed above")") }
        print("faults: every upload is there once, whole, and counted")
    }

    /// Every upload once more: one effect, and the answer byte for byte.
    private func repetitions(_ load: UploadLoad, _ receipts: [UploadLoad.Receipt]) async throws -> [String] {
        var problems: [String] = []
        for receipt in receipts {
            guard case .answered(let answer) = await load.post(receipt.order).send(), answer.body == receipt.body else {
                problems.append("upload \(receipt.order.number) is answered otherwise when it is repeated")
                continue
            }
        }
        return problems
    }
}
