import Contract
import GRPCCore
import HTTPTypes

extension Deprecation {
    /// `Deprecation` (RFC 9745), `Sunset` (RFC 8594), and where to read what to use instead.
    func write(to headers: inout HTTPFields, of route: Route) {
        headers.append(HTTPField(name: .deprecation, value: "@\(since)"))
        if let sunset { headers.append(HTTPField(name: .sunset, value: HTTPClock.text(sunset))) }
        headers.append(HTTPField(name: .link, value: "</docs#\(route.operationID)>; rel=\"deprecation\"; type=\"text/html\""))
    }
}

extension Route {
    /// As openapi.json names it: `startRun`.
    var operationID: String {
        let name = rule.method.method
        return name.prefix(1).lowercased() + name.dropFirst()
    }
}
