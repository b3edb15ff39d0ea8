extension ReportFormat {
    /// Who reads it.
    func parser(_ sink: ReportSink) -> any ReportParser {
        switch self {
        case .junit: JUnitParser(sink: sink)
        case .trx: XMLDialectParser<TRXDialect>(sink: sink)
        case .nunit: XMLDialectParser<NUnitDialect>(sink: sink)
        case .xunit: XMLDialectParser<XUnitDialect>(sink: sink)
        case .tap: TAPParser(sink: sink)
        case .gotest: GoTestParser(sink: sink)
        case .ctrf: JSONDialectParser<CTRFDialect>(sink: sink)
        case .cucumber: JSONDialectParser<CucumberDialect>(sink: sink)
        case .allure: JSONDialectParser<AllureDialect>(sink: sink)
        case .mocha: JSONDialectParser<MochaDialect>(sink: sink)
        case .jest: JSONDialectParser<JestDialect>(sink: sink)
        case .dart: DartParser(sink: sink)
        case .rspec: JSONDialectParser<RSpecDialect>(sink: sink)
        case .pytest: JSONDialectParser<PytestDialect>(sink: sink)
        case .sarif: JSONDialectParser<SARIFDialect>(sink: sink)
        case .jenkins: XMLDialectParser<JenkinsDialect>(sink: sink)
        case .allurehistory: JSONDialectParser<AllureHistoryDialect>(sink: sink)
        case .reportportal: JSONDialectParser<ReportPortalDialect>(sink: sink)
        }
    }
}
