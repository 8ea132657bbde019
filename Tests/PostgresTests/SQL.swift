import Postgres

/// A test's own statement, named by its text.
func sql(_ text: String) -> Statement { Statement(name: text, text: text) }
