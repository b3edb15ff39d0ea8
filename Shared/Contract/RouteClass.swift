/// Which kind of work a call is, as `assay.RouteClass` describes it (Proto/Options/options.proto). The raw values are public: they name limits.
package enum RouteClass: String, Sendable, CaseIterable {
    case read, write, upload, trigger, export, admin, auth
}
