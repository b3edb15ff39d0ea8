import Postgres

extension Database {
    /// Deletes rows that are due in batches, each a transaction of its own: any number may be, and a statement has some seconds.
    /// - Parameter due: has an index of its own, or looks at few rows.
    func sweep(_ table: SQL, where due: SQL, atOnce most: Int) async throws {
        let batch: SQL = """
            delete from \(fragment: table) where ctid = any(array(
                select ctid from \(fragment: table) where \(fragment: due) limit \(most)))
            """
        while try await execute(.system, batch) == most { try Task.checkCancellation() }
    }
}
