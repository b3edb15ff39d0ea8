import Foundation
import Synchronization

/// Clients that upload without end, each upload again and again under its idempotency key until it is answered, and a record of everything that they saw.
final class UploadLoad: Sendable {
    /// One upload, however often it is sent.
    struct Order: Sendable {
        let number: Int
        let cases: Int
        /// Of the build that it is a shard of; empty for a run of its own.
        let build: String
        /// How it goes out: in how many pieces, and with how many milliseconds between them.
        let pieces: Int
        let pause: Int

        /// Most are small; some are streamed in several batches. A third are shards of builds that several share.
        init(number: Int, seed: UInt64) {
            var random = SeededRandom(seed: seed &+ UInt64(number) &* 0x2545_F491_4F6C_DD1D)
            self.number = number
            let isLarge = Int.random(in: 0..<10, using: &random) == 0
            cases = isLarge ? Int.random(in: 4_100...9_000, using: &random) : Int.random(in: 50...800, using: &random)
            build = Int.random(in: 0..<3, using: &random) == 0 ? "build-\(number / 12)" : ""
            pieces = Int.random(in: 1...4, using: &random)
            pause = Int.random(in: 0..<60, using: &random)
        }

        /// Tests besides that other uploads have as well, though none of the same build: histories grow, and outcomes change in them.
        static let recurring = 10
        static let recurringPrefix = "recurring"

        var key: String { "fault-upload-\(number)" }
        /// Branch, environment and tag, the same for all of a build. No more than four lines, or Analytics would let the oldest of a test go.
        var place: String {
            let group = number / 12
            let environment = group / 2 % 2 == 0 ? "" : "&environment=staging"
            return "run_env[branch]=\(group % 2 == 0 ? "main" : "topic")\(environment)&tags[os]=\(["linux", "mac", "windows"][group % 3])"
        }
        /// Of the cases that no other upload has.
        var className: String { "upload\(number)" }
        /// Of the cases that no other upload has.
        var failed: Int { (cases + 49) / 50 }
        var recurringFailed: Int { (0..<Self.recurring).count { fails(recurring: $0) } }

        private func fails(recurring index: Int) -> Bool { (number / 12 + index) % 4 == 0 }

        var report: Data {
            var xml = "<testsuites><testsuite name=\"faults\">\n"
            for index in 0..<cases {
                xml += "<testcase classname=\"\(className)\" name=\"case \(index)\" time=\"0.01\""
                switch index % 50 {
                case 0: xml += "><failure message=\"expected \(index)\">at line \(index)</failure></testcase>\n"
                case 7: xml += "><skipped/></testcase>\n"
                default: xml += "/>\n"
                }
            }
            for index in 0..<Self.recurring {
                xml += "<testcase classname=\"\(Self.recurringPrefix)\(number % 12)\" name=\"case \(index)\" time=\"0.01\""
                xml += fails(recurring: index) ? "><failure message=\"lost \(number) of \(index)\">at line \(index)</failure></testcase>\n" : "/>\n"
            }
            return Data((xml + "</testsuite></testsuites>\n").utf8)
        }
    }

    struct Attempt: Sendable {
        let started: ContinuousClock.Instant
        let ended: ContinuousClock.Instant
        /// 0 without an answer.
        let status: Int
        let code: String
        var isDone: Bool { (200..<300).contains(status) }
    }

    struct Receipt: Sendable {
        let order: Order
        let body: Data
        let run: String
        /// It had been stored by a try whose answer was lost.
        let isDuplicate: Bool
        let tries: Int
        /// From the first try to the answer.
        let took: Duration
    }

    private struct State {
        var next = 0
        var isStopping = false
        var underWay = 0
        var attempts: [Attempt] = []
        var receipts: [Receipt] = []
        var waiting: [(order: Order, tries: Int, first: ContinuousClock.Instant, due: ContinuousClock.Instant)] = []
        var open = 0
    }

    private let state = Mutex(State())
    private let seed: UInt64
    private let port: Int
    private let target: String
    private let apiKey: String

    /// - Parameter path: of uploads, with a slash before it.
    init(port: Int, path: String, apiKey: String, seed: UInt64) {
        self.port = port
        target = path
        self.apiKey = apiKey
        self.seed = seed
    }

    var underWay: Int { state.withLock { $0.underWay } }
    var attempts: [Attempt] { state.withLock { $0.attempts } }
    var receipts: [Receipt] { state.withLock { $0.receipts } }
    /// Uploads that have been begun and not been answered.
    var open: Int { state.withLock { $0.open } }

    /// From now on nothing new is begun; what has been goes on to its answer.
    func stop() { state.withLock { $0.isStopping = true } }

    /// One of several at once. Ends after `stop`, when nothing waits to be sent again.
    func run() async throws {
        while true {
            guard let step = state.withLock({ take(&$0) }) else {
                if state.withLock({ $0.isStopping && $0.open == 0 }) { return }
                try await Task.sleep(for: .milliseconds(20))
                continue
            }
            await send(step.order, tries: step.tries, first: step.first)
            try await Task.sleep(for: .milliseconds(step.order.pause * 3))
        }
    }

    private func take(_ state: inout State) -> (order: Order, tries: Int, first: ContinuousClock.Instant)? {
        let now = ContinuousClock.now
        if let index = state.waiting.firstIndex(where: { $0.due <= now }) {
            let due = state.waiting.remove(at: index)
            return (due.order, due.tries, due.first)
        }
        guard !state.isStopping, state.open < 40 else { return nil }
        let number = state.next
        state.next += 1
        state.open += 1
        return (Order(number: number, seed: seed), 0, now)
    }

    /// The same again is the same: what the key was given for the first time counts.
    func post(_ order: Order) -> SocketPost {
        let query = order.place + (order.build.isEmpty ? "" : "&run_env[key]=\(order.build)&run_env[job_id]=\(order.number)")
        return SocketPost(
            port: port, target: target + "?" + query,
            headers: ["Authorization": "Bearer \(apiKey)", "Content-Type": "application/xml", "Idempotency-Key": order.key], body: order.report)
    }

    private func send(_ order: Order, tries: Int, first: ContinuousClock.Instant) async {
        var post = post(order)
        (post.pieces, post.pause) = (order.pieces, .milliseconds(order.pause))
        state.withLock { $0.underWay += 1 }
        let started = ContinuousClock.now
        let outcome = await post.send()
        let ended = ContinuousClock.now
        state.withLock { state in
            state.underWay -= 1
            var attempt = Attempt(started: started, ended: ended, status: 0, code: "")
            switch outcome {
            case .answered(let answer):
                attempt = Attempt(started: started, ended: ended, status: answer.status, code: answer.string("code"))
                if attempt.isDone {
                    state.open -= 1
                    state.receipts.append(
                        Receipt(
                            order: order, body: answer.body, run: answer.string("run_id"), isDuplicate: answer.flag("duplicate"), tries: tries + 1,
                            took: ended - first))
                }
            case .refused: attempt = Attempt(started: started, ended: ended, status: 0, code: "refused")
            case .cut: attempt = Attempt(started: started, ended: ended, status: 0, code: "cut")
            case .silent: attempt = Attempt(started: started, ended: ended, status: 0, code: "silent")
            }
            state.attempts.append(attempt)
            if !attempt.isDone {
                // The first try is still under way, as far as anybody knows: no use in asking again at once.
                let wait = attempt.status == 409 ? 1_000 : 100
                state.waiting.append((order, tries + 1, first, ended + .milliseconds(wait + order.pause * 5)))
            }
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers for the same seed.
struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
