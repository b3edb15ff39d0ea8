@main struct ValidationProgram { static func main() {} }
