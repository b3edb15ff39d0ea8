/// The formats that are read. The raw values are what clients write as `format` and what is stored.
enum ReportFormat: String, CaseIterable, Codable, Sendable {
    case junit, trx, nunit, xunit, tap, gotest, ctrf, cucumber, allure, mocha, jest, dart, rspec, pytest, sarif, jenkins, allurehistory, reportportal

    var title: String {
        switch self {
        case .junit: "JUnit XML"
        case .trx: "Visual Studio TRX"
        case .nunit: "NUnit XML"
        case .xunit: "xUnit.net XML"
        case .tap: "TAP"
        case .gotest: "go test -json"
        case .ctrf: "CTRF"
        case .cucumber: "Cucumber JSON"
        case .allure: "an Allure result"
        case .mocha: "Mocha JSON"
        case .jest: "Jest JSON"
        case .dart: "Dart's JSON reporter"
        case .rspec: "RSpec JSON"
        case .pytest: "pytest-json-report"
        case .sarif: "SARIF"
        case .jenkins: "Jenkins' own XML of test results"
        case .allurehistory: "a line of Allure's history"
        case .reportportal: "a page of ReportPortal's items"
        }
    }
}
