import Foundation

/// openapi.json as it was built with this process: what callers read is also where the gateway itself looks things up.
enum BundledDocument {
    /// Empty where the file is missing, which `SystemEndpoints` reports at the start.
    static let bytes: Data = {
        guard let file = Bundle.module.url(forResource: "openapi", withExtension: "json") else { return Data() }
        return (try? Data(contentsOf: file)) ?? Data()
    }()

    static let json: OrderedJSON = (try? OrderedJSON(bytes)) ?? .object([])
}
