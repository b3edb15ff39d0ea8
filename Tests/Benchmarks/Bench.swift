import ArgumentParser

/// What the performance goals are measured with. Every line printed is name, value, unit and goal, separated by tabs.
@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "assay-bench", abstract: "Measures Assay; build it in release.",
        subcommands: [
            AuditBench.self, ClientBench.self, FormatsBench.self, GatewayBench.self, HTTPBench.self, IngestBench.self, JudgementBench.self,
            LimiterBench.self, LoginBench.self, MemoryBench.self, RPCBench.self, RPCBenchServer.self, TagsBench.self, UploadFaults.self,
            UploadsBench.self,
        ])
}
