// Package naming reads where a worker stands from what it is called and where it
// connects from: many farms number their halls and racks in workers' names, or in
// addresses. It owns the templates that do so, and never looks at a configuration or a
// connection.
package naming
