// Package sqlite opens SQLite files for those who keep something in one, and says what
// kind of trouble an error of one is. It knows no tables.
package sqlite

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// busyTimeout is how long a statement waits for another process: one that imports, makes
// a backup or hands over.
const busyTimeout = 10 * time.Second

// Open opens a file without reading it, or makes one, which only its owner can read. The
// error is fs.ErrNotExist if its directory does not exist. Pragmas are those of each
// connection besides the ones for a file that several processes use.
//
// A transaction that will write waits for its turn first, instead of failing half way;
// read-only ones begin normally, as a snapshot.
func Open(file string, pragmas ...string) (*sql.DB, error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	f.Close()
	pragmas = append([]string{fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()), "journal_mode(WAL)"}, pragmas...)
	return connect(file, url.Values{"_txlock": {"immediate"}, "_pragma": pragmas})
}

// OpenReadOnly opens a file that must not be changed, and may be anything.
func OpenReadOnly(file string) (*sql.DB, error) {
	return connect(file, url.Values{"mode": {"ro"}})
}

func connect(file string, query url.Values) (*sql.DB, error) {
	path := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(file) // as a file: URI has it
	return sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: path, RawQuery: query.Encode()}).String())
}
