/// The forms in which a whole list can be had instead of a page of it, from the same address.
enum ExportFormat: String, CaseIterable, Sendable {
    /// RFC 4180, with a line of column names (RFC 4180, section 3: `header=present`).
    case csv
    /// One JSON object a line.
    case ndjson

    /// An export costs as much as ten pages of its list, however many there are.
    static let costFactor = 10

    var mediaType: String {
        switch self {
        case .csv: "text/csv"
        case .ndjson: "application/x-ndjson"
        }
    }

    /// With its parameters.
    var contentType: String {
        switch self {
        case .csv: "text/csv; charset=utf-8; header=present"
        case .ndjson: mediaType
        }
    }

    /// The parameter that says for whoever follows a link what `Accept` says for others: `export=csv`.
    static let parameter = "export"

    /// The form that a client wants more than a page in JSON: the better `q` decides, then the range that names the type itself, then JSON.
    static func asked(by accept: String?) -> ExportFormat? {
        guard let accept else { return nil }
        let json = MediaRanges.preference(for: "application/json", in: accept)
        let best = allCases.map { (format: $0, preference: MediaRanges.preference(for: $0.mediaType, in: accept)) }
            .filter { $0.preference.quality > 0 }
            .max { $0.preference < $1.preference }
        guard let best, json < best.preference else { return nil }
        return best.format
    }
}

extension RequestTarget {
    /// Takes `export=csv` out of the query, which then is that of the list. What names no form stays, and is refused as any unknown parameter is.
    mutating func takeExport() -> ExportFormat? {
        guard rawQuery.contains(ExportFormat.parameter + "=") else { return nil }
        var parts = rawQuery.split(separator: "&", omittingEmptySubsequences: true)
        for format in ExportFormat.allCases {
            guard let index = parts.firstIndex(of: "\(ExportFormat.parameter)=\(format.rawValue)") else { continue }
            parts.remove(at: index)
            self = RequestTarget(path: path, rawQuery: parts.joined(separator: "&")[...])
            return format
        }
        return nil
    }
}
