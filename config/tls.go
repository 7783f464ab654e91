package config

import "path/filepath"

// On reports whether there is TLS.
func (t *TLS) On() bool { return t.Cert != "" || t.Key != "" }

func (t *TLS) validate(ps *Problems, key string) {
	for _, f := range []struct{ key, path, other, try string }{
		{key + ".cert", t.Cert, t.Key, exampleCert},
		{key + ".key", t.Key, t.Cert, exampleKey},
	} {
		switch {
		case f.path == "" && f.other != "":
			ps.add(f.key, "", "required with the other of cert and key: TLS needs both", f.try+", as farmproxy cert makes them")
		case f.path != "" && !filepath.IsAbs(f.path):
			ps.add(f.key, show(f.path), "expected an absolute path", f.try)
		}
	}
}

// Where farmproxy cert puts its files unless it is told another place.
const (
	exampleCert = `"/etc/farmproxy/cert.pem"`
	exampleKey  = `"/etc/farmproxy/key.pem"`
)
