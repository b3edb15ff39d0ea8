@main struct GatewayProgram { static func main() {} }
