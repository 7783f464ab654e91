package check

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	// unitDirectory is created by the service manager when it starts farmproxy with the
	// shipped unit: before that it need not exist.
	unitDirectory = "/var/lib/farmproxy"

	// sqliteMagic begins every SQLite file.
	sqliteMagic = "SQLite format 3\x00"
)

func (k *checker) stateDir() {
	dir := k.config.StateDir
	if dir == "" || k.known.Has("state_dir") {
		return
	}
	// Without it farmproxy works, but has to learn everything anew.
	value := strconv.Quote(dir)
	switch info, err := k.machine.Stat(dir); {
	case err != nil:
		k.warning("state_dir", value, missing(err), "mkdir -p "+dir+", owned by the user that farmproxy runs as")
	case !info.IsDir():
		k.warning("state_dir", value, "this is not a directory", `"`+unitDirectory+`"`)
	default:
		k.writable("state_dir", dir)
	}
}

// shareLog checks the share log's directory, which farmproxy creates. Without it farmproxy
// works.
func (k *checker) shareLog() {
	dir := k.config.ShareLog.Dir
	if dir == "" || k.known.Has("share_log.dir") {
		return
	}
	value := strconv.Quote(dir)
	info, err := k.machine.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		dir = filepath.Dir(dir)
		info, err = k.machine.Stat(dir)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && dir == unitDirectory: // systemd creates it
	case err != nil:
		k.warning("share_log.dir", value, dir+": "+missing(err), "mkdir -p "+dir+", owned by the user that farmproxy runs as")
	case !info.IsDir():
		k.warning("share_log.dir", value, dir+" is not a directory", `"`+unitDirectory+`/shares"`)
	default:
		k.writable("share_log.dir", dir)
	}
}

func (k *checker) store() {
	s := &k.config.Store
	if s.URL == "" || k.known.Has("store.url") || k.known.Has("store.key_file") {
		return
	}
	file := s.SQLiteFile()
	if file != "" && k.directory("store.url", filepath.Dir(file)) {
		k.sqlite(file)
	}
	key := k.config.StoreKeyFile(k.stateDirectory())
	switch {
	case key == "":
		k.warning("store.key_file", "", "there is no place for the key that encrypts passwords, unless systemd starts farmproxy with a state directory", `key_file = "`+unitDirectory+`/store.key"`)
	case file == "" || filepath.Dir(key) != filepath.Dir(file):
		k.keyFile(key)
	}
}

// keyFile checks that the key can be read, or else created.
func (k *checker) keyFile(key string) {
	if _, err := k.machine.Stat(key); err != nil {
		k.directory("store.key_file", filepath.Dir(key))
	} else if _, err := k.machine.Head(key, 1); err != nil {
		k.warning("store.key_file", "", fmt.Sprintf("this user cannot read it: %v", err), "giving it to the group of the user that farmproxy runs as, if that is another user")
	}
}

func (k *checker) stateDirectory() string {
	if k.config.StateDir != "" {
		return k.config.StateDir
	}
	return k.machine.StateDirectory()
}

// sqlite checks the database's file, if it exists: the first start creates it.
func (k *checker) sqlite(file string) {
	info, err := k.machine.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err != nil:
		k.storeProblem("store.url", fmt.Sprintf("cannot access %s: %v", file, err), "giving it to the user that farmproxy runs as")
		return
	case info.IsDir():
		k.storeProblem("store.url", file+" is a directory, expected a file or nothing", strconv.Quote("sqlite://"+filepath.Join(file, "farmproxy.db")))
		return
	}
	// Even so, farmproxy serves the pools that need no accounts.
	if head, err := k.machine.Head(file, len(sqliteMagic)); err == nil && info.Size() > 0 && string(head) != sqliteMagic {
		k.warning("store.url", "", file+" is not an SQLite database: it is damaged, or it is another file", "the right file, or a backup of it")
	}
	k.writable("store.url", file)
}

// directory checks that files can be created in a directory, and reports whether it
// exists. It creates nothing.
func (k *checker) directory(key, dir string) bool {
	switch info, err := k.machine.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist) && dir == unitDirectory:
		k.warning(key, "", dir+" does not exist yet: systemd creates it when it starts farmproxy", "systemctl start farmproxy, or without systemd mkdir "+dir)
		return false
	case err != nil:
		k.storeProblem(key, dir+": "+missing(err), "mkdir -p "+dir+", owned by the user that farmproxy runs as")
		return false
	case !info.IsDir():
		k.storeProblem(key, dir+" is not a directory", `"sqlite://`+unitDirectory+`/farmproxy.db"`)
		return false
	}
	k.writable(key, dir)
	return true
}

// writable only warns: the service may run as another user.
func (k *checker) writable(key, path string) {
	if err := k.machine.Writable(path); err != nil {
		k.warning(key, "", fmt.Sprintf("this user cannot write to %s: %v", path, err), "giving it to the user that farmproxy runs as, if that is another user")
	}
}

func missing(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "this directory does not exist"
	}
	return fmt.Sprintf("this directory cannot be accessed: %v", err)
}

// unitRuntimeDirectory is created by the service manager too, and is there only while
// farmproxy runs.
const unitRuntimeDirectory = "/run/farmproxy"

// socket checks the directory of the socket for commands. Without admin.socket farmproxy
// finds a place itself, or does without.
func (k *checker) socket() {
	const key = "admin.socket"
	path := k.config.Admin.Socket
	if path == "" || k.known.Has(key) {
		return
	}
	dir := filepath.Dir(path)
	switch info, err := k.machine.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist) && dir == unitRuntimeDirectory:
	case err != nil:
		k.problem(key, strconv.Quote(path), dir+": "+missing(err), "mkdir -p "+dir+", owned by the user that farmproxy runs as")
	case !info.IsDir():
		k.problem(key, strconv.Quote(path), dir+" is not a directory", `"`+unitRuntimeDirectory+`/admin.sock"`)
	default:
		k.writable(key, dir)
	}
}

// tokens checks the token file. Each line of its error begins with the file's path.
func (k *checker) tokens() {
	const key = "http.token_file"
	if k.config.HTTP.TokenFile == "" || k.known.Has(key) {
		return
	}
	if err := k.machine.Tokens(k.config.HTTP.TokenFile); err != nil {
		for line := range strings.Lines(err.Error()) {
			k.problem(key, "", strings.TrimPrefix(strings.TrimSpace(line), key+" "), "")
		}
	}
}

// channels checks the channels of alerts. Without them farmproxy works, and nobody is told.
func (k *checker) channels() {
	for i := range k.config.Alerts.Channels {
		table := fmt.Sprintf("alerts.channel[%d]", i+1)
		if k.known.Within(table) {
			continue
		}
		if err := k.machine.Channel(&k.config.Alerts.Channels[i]); err != nil {
			key, what, _ := strings.Cut(err.Error(), " = ")
			value, what, _ := strings.Cut(what, ": ")
			k.warning(table+"."+key, value, what, "")
		}
	}
}
