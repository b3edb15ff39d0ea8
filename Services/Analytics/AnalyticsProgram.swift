@main struct AnalyticsProgram { static func main() {} }
