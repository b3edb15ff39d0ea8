@main struct ProjectsProgram { static func main() {} }
