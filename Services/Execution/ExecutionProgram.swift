@main struct ExecutionProgram { static func main() {} }
