// Command thirdparty prints the licenses of everything that a farmproxy binary is linked
// with: most of them ask that a copy goes along with the binary. It reads the modules
// from the binary itself and their licenses from the module cache.
//
//	go run ./packaging/thirdparty FILE
package main

import (
	"bufio"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"regexp"
	"strings"
)

// component is a module that is in the binary, or Go itself.
type component struct {
	name, version string
	source        fs.FS
}

// legal matches the names of files with a license, a copyright or a notice. Some modules
// have several: for code that they took from elsewhere.
var legal = regexp.MustCompile(`(?i)^(licen[cs]e|copying|copyright|notice|patents)([-_.].*)?$`)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./packaging/thirdparty FILE; FILE is a farmproxy that make build has built")
		os.Exit(2)
	}
	components, err := linked(os.Args[1])
	if err == nil {
		err = list(os.Stdout, components)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// linked returns what the binary is made of, besides farmproxy.
func linked(binary string) ([]component, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	root, err := exec.Command(goCommand(), "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	components := []component{{"Go", strings.TrimPrefix(info.GoVersion, "go"), os.DirFS(strings.TrimSpace(string(root)))}}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		dir, err := download(m.Path + "@" + m.Version)
		if err != nil {
			return nil, err
		}
		components = append(components, component{m.Path, m.Version, os.DirFS(dir)})
	}
	return components, nil
}

// goCommand is the Makefile's GO.
func goCommand() string {
	if name := os.Getenv("GO"); name != "" {
		return name
	}
	return "go"
}

// download returns the directory of a module, which it fetches if the cache lacks it.
func download(module string) (dir string, err error) {
	out, err := exec.Command(goCommand(), "mod", "download", "-json", module).Output()
	var m struct{ Dir, Error string }
	if decoding := json.Unmarshal(out, &m); err == nil {
		err = decoding
	}
	if m.Error != "" || err != nil {
		return "", fmt.Errorf("%s: %s: %w; fetch it with: go mod download", module, m.Error, err)
	}
	return m.Dir, nil
}

// list prints the licenses. A component without one is an error: somebody has to find out
// on what terms it may be given away.
func list(w io.Writer, components []component) error {
	out := bufio.NewWriter(w)
	fmt.Fprintln(out, "farmproxy is linked with the following. Each is followed by its license.")
	for _, c := range components {
		found := false
		err := fs.WalkDir(c.source, ".", func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && name != "." && (c.name == "Go" || d.Name() == "testdata" || d.Name() == "vendor"):
				return fs.SkipDir // of Go, the license beside its sources is for all of it
			case d.IsDir() || !legal.MatchString(d.Name()) || path.Ext(name) == ".go":
				return nil
			}
			text, err := fs.ReadFile(c.source, name)
			if err != nil {
				return err
			}
			found = true
			fmt.Fprintf(out, "\n%s\n%s %s: %s\n\n%s\n", strings.Repeat("=", 80), c.name, c.version, name, strings.TrimSpace(string(text)))
			return nil
		})
		if err != nil {
			return err
		}
		if !found {
			return fmt.Errorf("%s %s has no file with a license: on what terms may it be given away?", c.name, c.version)
		}
	}
	return out.Flush()
}
