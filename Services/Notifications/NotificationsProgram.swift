@main struct NotificationsProgram { static func main() {} }
