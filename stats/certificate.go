package stats

import (
	"maps"
	"slices"
	"time"
)

// SetCertificates sets the function that returns until when the certificates are valid
// that miners and clients of the API are shown, by their files.
func (b *Book) SetCertificates(ends func() map[string]time.Time) { b.certificates.Store(&ends) }

// writeCertificates writes when certificates end: those that are shown by farmproxy, and
// those that pools show. Where there is none, there is no series.
func (b *Book) writeCertificates(e *exposition) {
	if ends := b.certificates.Load(); ends != nil {
		if list := (*ends)(); len(list) > 0 {
			e.begin("farmproxy_certificate_not_after_seconds", gauge, "When the certificate that is shown ends, as a Unix time; the label is its file.")
			for _, file := range slices.Sorted(maps.Keys(list)) {
				e.value(float64(list[file].Unix()), "file", file)
			}
		}
	}
	pools, _ := b.snapshot()
	begun := false
	for _, p := range pools {
		c := p.Certificate.Load()
		if c == nil {
			continue
		}
		if !begun {
			e.begin("farmproxy_pool_certificate_not_after_seconds", gauge, "When the first certificate ends of the chain that the pool has shown last, as a Unix time. Not of pools with tls_insecure.")
			begun = true
		}
		e.value(float64(c.Ends.Unix()), "pool", p.Name)
	}
}
