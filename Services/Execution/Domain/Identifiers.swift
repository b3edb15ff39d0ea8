import Primitives

/// Belongs to the service Projects, like `Suite` and `Case`; here it is only a name on a row.
enum Project: Identified { static let idPrefix = "prj" }

enum Suite: Identified { static let idPrefix = "ste" }

enum Case: Identified { static let idPrefix = "cse" }

/// Belongs to Validation.
enum Baseline: Identified { static let idPrefix = "bsl" }
