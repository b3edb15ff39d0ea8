import ArgumentParser
import Foundation

/// How right, how fast and how soon what Assay says of failures and tests is, on data that others published: four parts, all when none is named.
///
/// `grouping` takes the functions themselves, `flaky` and `history` the whole of it: reports are uploaded, verdicts and lists are asked for. `counters` holds what
/// is counted against counting anew, after services were killed (`UploadFaults`); it fails when they differ.
struct JudgementBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "judgement",
        abstract: "Failures grouped beside drain3, flaky tests told from broken ones, what is asked of a long history, and counters after faults.")

    enum Part: String, CaseIterable, ExpressibleByArgument { case grouping, flaky, history, counters }

    @Option(help: "Folder that holds `loghub`, tables of log lines, and `flaky`, tables of reruns.") var data: String
    @Option(help: "What is measured; all when not given.") var part: [Part] = []
    @Option(help: "Runs drawn of each project of `flaky`.") var runs = 100
    @Option(help: "Results of the long history.") var results = 10_000_000
    @Option(help: "Uploads at once.") var clients = 4
    @Option(help: "Of the draws.") var seed: UInt64 = 1
    @Option(help: "What the drawn runs are told to be runs of; all when not given.") var setting: [FlakySetting] = []

    func run() async throws {
        let folder = URL(filePath: data)
        let parts = part.isEmpty ? Part.allCases : part
        if parts.contains(.grouping) {
            let folder = folder.appending(path: "loghub")
            try GroupingBench(systems: LogSystem.read(folder), folder: folder).run()
        }
        if parts.contains(.flaky) {
            let bench = FlakyBench(projects: try FlakyProject.read(folder.appending(path: "flaky")), runs: runs, clients: clients, seed: seed)
            for setting in setting.isEmpty ? FlakySetting.allCases : setting { try await bench.run(setting) }
        }
        if parts.contains(.history) { try await HistoryBench(results: results, clients: clients, seed: seed).run() }
        if parts.contains(.counters) { try await UploadFaults.parse(["--seed", "\(seed)"]).run() }
    }
}
