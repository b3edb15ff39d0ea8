@main struct SchedulingProgram { static func main() {} }
