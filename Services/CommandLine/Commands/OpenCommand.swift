import ArgumentParser
import Foundation

/// `assay open RUN`
struct OpenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open", abstract: "Print a run's address, and open it when there is a browser.")

    @Argument(help: ArgumentHelp("Id of the run.", valueName: "run"))
    var runID: String

    @OptionGroup var server: ServerOptions

    func run() throws {
        let surroundings = Surroundings.current
        let console = Console(surroundings)
        let url = "\(try ClientConfig.checkedURL(try server.config(surroundings).url ?? ClientConfig.defaultURL))/runs/\(runID.percentEncoded)"
        console.say(url)
        #if os(macOS)
        let browser: String? = "open"
        #else
        let hasScreen = ["DISPLAY", "WAYLAND_DISPLAY"].contains { surroundings.environment[$0]?.isEmpty == false }
        let browser: String? = hasScreen ? "xdg-open" : nil
        #endif
        guard console.outputIsTerminal, let browser else { return }
        let argv = [strdup(browser), strdup(url), nil]
        let envp = surroundings.environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid = pid_t()
        // The address is printed; a browser that does not come is no failure.
        _ = posix_spawnp(&pid, browser, nil, nil, argv, envp)
    }
}
