import ArgumentParser

/// `assay completions SHELL`
struct CompletionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completions", abstract: "Print completions for your shell.",
        discussion: """
            bash:  assay completions bash > ~/.local/share/bash-completion/completions/assay
            zsh:   assay completions zsh > "${fpath[1]}/_assay"
            fish:  assay completions fish > ~/.config/fish/completions/assay.fish
            """)

    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash, zsh, fish
    }

    @Argument(help: "bash, zsh or fish.")
    var shell: Shell

    func run() {
        let kind: CompletionShell =
            switch shell {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        print(AssayCommand.completionScript(for: kind))
    }
}
