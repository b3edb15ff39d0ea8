import Foundation

/// One execution of a test in the `history.json` of Allure 2.
struct AllureItem {
    /// A test as results name it.
    struct Name {
        let name: String
        let fullName: String
        let labels: [(String, String)]
    }

    let test: String
    let name: Name
    let status: String
    let message: String
    let start: Date
    let stop: Date?
    /// Of the report that it was in, where the CI told Allure.
    let report: String?

    /// - Returns: `nil` for an execution without a time.
    init?(test: String, name: Name, _ item: JSONObject) {
        guard let time = item.object("time"), let start = time.time("start") else { return nil }
        self.test = test
        self.name = name
        self.start = start
        stop = time.time("stop")
        status = item.text("status") ?? "unknown"
        message = item.text("statusDetails") ?? item.text("statusMessage") ?? ""
        report = item.text("reportUrl").flatMap { $0.hasPrefix("http") ? String($0.prefix { $0 != "#" }) : nil }
    }

    /// Executions that were one run.
    struct Run {
        let items: [AllureItem]
        var startedAt: Date { items.map(\.start).min() ?? .distantPast }
        var finishedAt: Date? { items.compactMap(\.stop).max() }
        var url: String? { items.first?.report }
        /// `…/job/shop/42/allure/` of Jenkins' plug-in.
        var number: String? { url?.split(separator: "/").last { Int($0) != nil }.map(String.init) }

        /// As Allure 3 writes a run.
        func document() -> JSONObject {
            var results: [String: Any] = [:]
            for (index, item) in items.enumerated() {
                var result: [String: Any] = [
                    "name": item.name.name, "fullName": item.name.fullName, "status": item.status, "historyId": item.test,
                    "start": Int64((item.start.timeIntervalSince1970 * 1000).rounded()),
                    "labels": item.name.labels.map { ["name": $0.0, "value": $0.1] },
                ]
                if let stop = item.stop { result["stop"] = Int64((stop.timeIntervalSince1970 * 1000).rounded()) }
                if !item.message.isEmpty { result["message"] = item.message }
                // A test that was tried again within a run is in it twice.
                results[results[item.test] == nil ? item.test : "\(item.test) \(index)"] = result
            }
            return JSONObject(members: ["uuid": "", "knownTestCaseIds": [String](), "testResults": results])
        }
    }

    /// Divides executions into runs: by their reports, or else where a test comes again, or nothing has begun for an hour.
    static func runs(_ items: [AllureItem]) -> [Run] {
        var runs = Dictionary(grouping: items.filter { $0.report != nil }, by: \.report).values.map { Run(items: $0.sorted { $0.start < $1.start }) }
        var current: [AllureItem] = []
        var tests: Set<String> = []
        for item in items.filter({ $0.report == nil }).sorted(by: { ($0.start, $0.test) < ($1.start, $1.test) }) {
            if let last = current.last, tests.contains(item.test) || item.start.timeIntervalSince(last.start) > 3600 {
                runs.append(Run(items: current))
                current = []
                tests = []
            }
            current.append(item)
            tests.insert(item.test)
        }
        if !current.isEmpty { runs.append(Run(items: current)) }
        return runs.sorted { $0.startedAt < $1.startedAt }
    }
}
