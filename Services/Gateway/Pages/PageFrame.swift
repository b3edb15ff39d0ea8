/// What stands around every page: title, navigation, who is signed in, and the addresses of scripts and style.
struct PageFrame: Sendable {
    let title: String
    let crumbs: [Crumb]
    let hasCrumbs: Bool
    /// `nil` while nobody is signed in.
    let session: SessionBar?
    let assets: PageAssets.Paths
    /// Paths of scripts, in the order of their running.
    let scripts: [String]
    /// The only value with which scripts run on this page; another one for every answer.
    let nonce: String

    init(
        title: String, crumbs: [Crumb] = [], session: SessionBar?, assets: PageAssets.Paths, scripts: [String] = [], nonce: String
    ) {
        self.title = title.shortened(to: 120)
        self.crumbs = crumbs
        hasCrumbs = !crumbs.isEmpty
        self.session = session
        self.assets = assets
        self.scripts = [assets.script] + scripts
        self.nonce = nonce
    }

    /// One step of the way to a page; the last one has no path.
    struct Crumb: Sendable {
        let label: String
        let path: String?

        init(_ label: String, _ path: String? = nil) {
            self.label = label.shortened(to: 80)
            self.path = path
        }
    }

    struct SessionBar: Sendable {
        let organization: String
        /// For the sign-out form, and the forms of the page.
        let formToken: String
        let isProjects: Bool
        let isDeliveries: Bool
        var isAccount = false
        var isMembers = false
        var isAdmin = false
        /// Whether the way to such a page is shown.
        var showsMembers = false
        var showsAdmin = false
        /// What a super admin in somebody's place must not forget.
        var banner: String?
    }
}
